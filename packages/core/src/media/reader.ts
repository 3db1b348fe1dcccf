// Reads pieces of a file's header, never more than a bounded number of bytes and calls: a hostile file cannot make a probe long.

import type { FileHandle } from 'node:fs/promises'

export interface Reader {
  readonly size: number
  /** Up to `length` bytes at `at`; fewer at the end of the file. Throws `HeaderTooLong` when the budget is used up. */
  read(at: number, length: number): Promise<DataView<ArrayBuffer>>
}

export class HeaderTooLong extends Error {
  override readonly name = 'HeaderTooLong'
}

/** For everything that is read about one file besides its hash. */
export const headerBudget = { bytes: 64 * 1024, reads: 2_048 }

export const createReader = (file: Pick<FileHandle, 'read'>, size: number): Reader => {
  const left = { ...headerBudget }
  return {
    size,
    async read(at, length) {
      const wanted = Math.max(0, Math.min(length, size - at))
      left.bytes -= wanted
      left.reads--
      if (left.bytes < 0 || left.reads < 0) throw new HeaderTooLong()
      const bytes = new Uint8Array(wanted)
      let got = 0
      while (got < wanted) {
        const { bytesRead } = await file.read(bytes, got, wanted - got, at + got)
        if (bytesRead === 0) break
        got += bytesRead
      }
      return new DataView(bytes.buffer, 0, got)
    },
  }
}

/** Bytes as Latin-1 text, for signatures. */
export const ascii = (view: DataView, at: number, length: number): string => {
  let text = ''
  for (let i = at; i < Math.min(at + length, view.byteLength); i++) text += String.fromCharCode(view.getUint8(i))
  return text
}
