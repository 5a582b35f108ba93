import { morph } from './morph.js'

/** How often the page looks for news, in milliseconds. */
const lookMs = 2_000
/** While there is no connection: later and later, but no later than this. */
const longestMs = 15_000
/** What takes longer does not come any more. */
const answerMs = 10_000

/**
 * Keeps the page up to date: asks for it again and again, and takes over what is different.
 * @param {() => void} onChange told after each change
 * @returns {{ refresh: () => void }}
 */
export function startLive(onChange) {
  const connection = /** @type {HTMLElement} */ (document.getElementById('connection'))
  const pause = /** @type {HTMLButtonElement} */ (document.getElementById('pause'))
  const version = versionOf(document)
  let etag = ''
  let failures = 0
  let lostAt = ''
  let isPaused = false
  let isLooking = false
  let isLate = false
  let isFresh = false
  let timer = 0

  /** @param {string} text @param {string} state */
  function say(text, state) {
    // A text that stays the same is not read out again.
    if (connection.textContent !== text) connection.textContent = text
    connection.dataset['state'] = state
  }

  function plan() {
    clearTimeout(timer)
    if (isPaused || document.hidden) return
    timer = setTimeout(look, Math.min(lookMs * 2 ** Math.max(failures - 1, 0), longestMs))
  }

  async function look() {
    clearTimeout(timer)
    if (isLooking) {
      isLate = true
      return
    }
    isLooking = true
    try {
      // Who says what there is already, is told of what is new with some delay.
      const headers = etag === '' || isFresh ? { Accept: 'text/html' } : { Accept: 'text/html', 'If-None-Match': etag }
      isFresh = false
      const response = await fetch('/', { headers, cache: 'no-store', signal: AbortSignal.timeout(answerMs) })
      if (response.status === 200) take(await response.text(), response.headers.get('etag') ?? '')
      else if (response.status !== 304) throw new Error(`The gateway answers ${response.status}`)
      failures = 0
      say(isPaused ? 'Paused' : 'Live', isPaused ? 'paused' : 'live')
    } catch (error) {
      if (failures === 0) lostAt = new Date().toISOString().slice(11, 19)
      failures++
      const what = error instanceof Error && error.message.startsWith('The gateway') ? error.message : 'Connection lost'
      if (!isPaused) say(`${what} since ${lostAt}, trying again`, 'lost')
    }
    isLooking = false
    if (isLate) {
      isLate = false
      void look()
    } else plan()
  }

  /** @param {string} text @param {string} newEtag */
  function take(text, newEtag) {
    const next = new DOMParser().parseFromString(text, 'text/html')
    // Another version may have another script, and other styles.
    if (versionOf(next) !== version) {
      location.reload()
      return
    }
    for (const part of document.querySelectorAll('[data-live]')) {
      const nextPart = next.getElementById(part.id)
      if (nextPart !== null) morph(part, nextPart)
    }
    document.title = next.title
    etag = newEtag
    onChange()
  }

  pause.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
    if (isPaused) {
      clearTimeout(timer)
      say('Paused', 'paused')
    } else void look()
  })
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer)
    else if (!isPaused) void look()
  })
  window.addEventListener('online', () => {
    if (!isPaused) void look()
  })
  connection.dataset['state'] = 'live'
  plan()
  return {
    refresh: () => {
      isFresh = true
      void look()
    },
  }
}

/** @param {Document} page */
function versionOf(page) {
  return page.querySelector('meta[name=version]')?.getAttribute('content')
}
