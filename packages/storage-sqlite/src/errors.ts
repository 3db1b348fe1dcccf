// What SQLite's result codes mean to somebody who has to mend it.

/** The primary result code of an error of node:sqlite; undefined for any other error. */
const codeOf = (error: unknown): number | undefined => {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

const busy = 5
const protocol = 15
/** Somebody else holds the file for now: trying again is all it takes. */
export const isBusy = (error: unknown): boolean => [busy, protocol].includes(codeOf(error) ?? 0)

/** By result code: a name, which is all that a worker's log says, and what to do. */
const advice: Readonly<Record<number, readonly [name: string, words: string]>> = {
  8: ['DatabaseNotWritable', 'may not be written. Give this process write permission on the file and on its folder: SQLite keeps two more files beside it.'],
  10: ['DatabaseIoFailed', 'could not be read or written by the operating system. Check the disk; a network file system cannot carry a SQLite database.'],
  11: [
    'DatabaseDamaged',
    'is damaged. Stop writing to it, copy it, and restore a backup. Two different SQLite libraries on one file in one process cause this.',
  ],
  13: ['DiskFull', 'cannot grow: the disk or its quota is full. The write was rolled back whole; make room and it can be repeated.'],
  14: ['DatabaseCannotBeOpened', 'cannot be opened. Check that it is a file, that its folder exists, and that this process may read and write both.'],
  26: ['NotADatabase', 'is not a SQLite database. Name a new file, or one that Syndikit or SQLite made.'],
}

const notADatabase = 26

/** The same error with what to do about it; an error that is not SQLite's, or needs no advice, as it is. A file of another kind never becomes a database: a `TypeError`. */
export const explained = (error: unknown, file: string): unknown => {
  const code = codeOf(error) ?? 0
  const advised = advice[code]
  if (advised === undefined) return error
  const [name, words] = advised
  const Kind = code === notADatabase ? TypeError : Error
  return Object.assign(new Kind(`syndikit: the database ${file} ${words}`, { cause: error }), { name })
}

export const waitedTooLong = (file: string, waitMs: number, cause: unknown) =>
  Object.assign(
    new Error(
      `syndikit: another connection held the database ${file} for ${waitMs} ms without a pause. End the transaction that keeps it open, or allow more with \`maxWaitMs\`.`,
      { cause },
    ),
    { name: 'DatabaseBusy' },
  )
