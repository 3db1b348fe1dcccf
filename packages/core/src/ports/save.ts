// Pieces from a source nobody trusts, into a file: bounded in bytes and in time.

import type { FileHandle } from 'node:fs/promises'
import { PublishError } from '../contract/error.ts'

/** Nothing was published yet where files are fetched, so trying again is free. */
export const transient = (message: string, cause?: unknown): PublishError => new PublishError('transient', message, { outcome: 'not-published', cause })

/** Rejects with the signal's reason when it aborts first, whatever the promise does. */
export const before = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })

/** Ends a source without waiting for it: one that hangs must not hold up the verdict. */
export const leave = (pieces: AsyncIterator<unknown>): void => void pieces.return?.().catch(() => {})

const write = async (file: FileHandle, piece: Uint8Array): Promise<void> => {
  try {
    for (let at = 0; at < piece.byteLength; ) at += (await file.write(piece, at)).bytesWritten
  } catch (error) {
    throw transient(
      `A fetched file cannot be written to the temporary folder (${(error as NodeJS.ErrnoException).code}). Make room, or set \`media.tempDir\`.`,
      error,
    )
  }
}

/** Answers how many bytes there were. */
export const save = async (
  pieces: AsyncIterator<Uint8Array>,
  file: FileHandle,
  { maxBytes, signal, tooLarge }: { readonly maxBytes: number; readonly signal: AbortSignal; readonly tooLarge: () => PublishError },
): Promise<number> => {
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await before(pieces.next(), signal)
      if (done) return bytes
      if (!(value instanceof Uint8Array)) throw new TypeError('The source of a file yields something that is not a Uint8Array.')
      bytes += value.byteLength
      if (bytes > maxBytes) throw tooLarge()
      await write(file, value)
    }
  } catch (error) {
    leave(pieces)
    throw error
  }
}
