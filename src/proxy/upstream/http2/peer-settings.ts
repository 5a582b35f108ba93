import { initialWindow, largestFrame, largestWindow, setting } from './frames.ts'
import { Http2Error } from './http2-error.ts'

/** What the upstream allows (RFC 9113 6.5.2); of its other settings nothing depends here. */
export class PeerSettings {
  /** Streams at a time; many allow any number until they say another. */
  maxStreams = Number.POSITIVE_INFINITY
  /** The window of a new stream, for what we send. */
  initialWindow = initialWindow

  /** Takes a frame over. @throws Http2Error for what is not allowed */
  read(payload: Buffer): void {
    if (payload.length % 6 !== 0) throw new Http2Error('FRAME_SIZE_ERROR', `SETTINGS has ${payload.length} bytes`)
    for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
  }

  #set(identifier: number, value: number): void {
    if (identifier === setting.maxConcurrentStreams) this.maxStreams = value
    else if (identifier === setting.initialWindowSize) {
      if (value > largestWindow) throw new Http2Error('FLOW_CONTROL_ERROR', `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`)
      this.initialWindow = value
    } else if (identifier === setting.enablePush && value !== 0) {
      throw new Http2Error('PROTOCOL_ERROR', `SETTINGS_ENABLE_PUSH of a server is ${value}`)
    } else if (identifier === setting.maxFrameSize && (value < largestFrame || value > 2 ** 24 - 1)) {
      throw new Http2Error('PROTOCOL_ERROR', `SETTINGS_MAX_FRAME_SIZE is ${value}`)
    }
  }
}
