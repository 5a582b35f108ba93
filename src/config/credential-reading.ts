import type { z } from 'zod'
import { valueAt } from './groups.ts'
import type { Reading } from './read-group.ts'
import type { credentialSchema } from './schema/credential.ts'
import type { Path } from './yaml-document.ts'

/** A credential as far as it could be read, preset included. */
export interface CredentialReading extends Reading<z.output<ReturnType<typeof credentialSchema>>> {
  readonly name: string
  /** What the user wrote, without the preset: only that can be without effect. */
  readonly written: unknown
}

/** Whether the user wrote something at a path of the credential. */
export function isWritten({ written }: Pick<CredentialReading, 'written'>, ...path: Path): boolean {
  return valueAt(written, path) !== undefined
}
