// What an error of Prisma or of the database below it means, and to somebody who has to mend it. No message holds an address, a user or a password.

/** What we have said already is not read again: its cause may say less than we know. */
const ours = new WeakSet<object>()
const isReadable = (error: unknown, depth: number): error is object => typeof error === 'object' && error !== null && depth <= 4 && !ours.has(error)

/** The codes that an error carries: Prisma's, the driver's, the database's, of it and of what it was made from. */
const codesOf = (error: unknown, depth = 0): string[] => {
  if (!isReadable(error, depth)) return []
  const facts = error as Readonly<Record<string, unknown>>
  const own = ['code', 'originalCode', 'kind', 'sqlState', 'state', 'errno', 'extendedCode'].flatMap((name) => {
    const fact = facts[name]
    return typeof fact === 'string' || typeof fact === 'number' ? [String(fact)] : []
  })
  const below = ['meta', 'driverAdapterError', 'cause'].flatMap((name) => codesOf(facts[name], depth + 1))
  return [...new Set([...own, ...below])]
}

const wordsOf = (error: unknown, depth = 0): string => {
  if (!isReadable(error, depth)) return ''
  const facts = error as Readonly<Record<string, unknown>>
  const own = ['message', 'originalMessage'].flatMap((name) => (typeof facts[name] === 'string' ? [facts[name]] : []))
  return [...own, ...['meta', 'driverAdapterError', 'cause'].map((name) => wordsOf(facts[name], depth + 1))].filter((text) => text !== '').join('\n')
}

interface Kind {
  readonly codes: RegExp
  readonly words: RegExp
}
const never = /(?!)/
const isOf =
  ({ codes, words }: Kind) =>
  (error: unknown): boolean =>
    codesOf(error).some((code) => codes.test(code)) || words.test(wordsOf(error))

/** Two transactions met, another process held the file, or (105x, 106x of MySQL) makes the same tables at this moment: nothing was stored, and trying again is all it takes. */
export const isConflict = isOf({
  codes: /^(P2034|TransactionWriteConflict|40001|40P01|55P03|1205|1213|1020|1050|1060|1061|SQLITE_BUSY.*)$/,
  words: /database is locked|SQLITE_BUSY|Deadlock found|deadlock detected|could not serialize access/,
})
/** Nobody had a connection to spare; nothing was begun. */
export const isCrowded = isOf({
  codes: /^(P2024|45028|TooManyConnections|P2037|53300)$/,
  words: /Unable to start a transaction in the given time|timeout exceeded when trying to connect|pool timeout/,
})
/** The connection is gone, or leads to a server that is no longer the primary. */
export const isLost = isOf({
  codes:
    /^(P1001|P1002|P1017|DatabaseNotReachable|ConnectionClosed|SocketTimeout|08...|57P0[123]|25006|1053|1290|1792|1836|1927|45009|45013|45026|45027|E(CONN\w+|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND))$/,
  words:
    /Connection terminated|Server has closed the connection|Connection ended|socket has unexpectedly been closed|Client was closed|Can't reach database server/,
})
/** Of bad input, of a broken constraint, of a row that no index can hold. The transaction was rolled back. */
export const isDataError = isOf({
  codes:
    /^(P2000|P2002|P2003|P2011|P2020|(22|23|54)\w{3}|1048|1062|1071|1366|1406|LengthMismatch|ValueOutOfRange|UniqueConstraintViolation|NullConstraintViolation|SQLITE_(CONSTRAINT|TOOBIG).*)$/,
  words: never,
})
const isReadOnly = isOf({ codes: /^(25006|1290|1792|1836)$/, words: never })
const isMissing = isOf({ codes: /^(P2021|TableDoesNotExist|42P01|1146)$/, words: /no such table: syndikit_/ })
/** A whole transaction that has ended, or that Prisma ended because it took too long; then it was rolled back. */
const isOver = isOf({ codes: never, words: /Transaction already closed|Transaction not found|expired transaction/ })

const named = (name: string, message: string, cause: unknown, Make: ErrorConstructor | TypeErrorConstructor = Error) => {
  const error = Object.assign(new Make(`syndikit: ${message}`, { cause }), { name })
  ours.add(error)
  return error
}

/** The same error with what to do about it; one that needs no advice as it is. */
export const explained = (error: unknown): unknown => {
  if (isMissing(error))
    return named(
      'TablesMissing',
      'the tables named syndikit_… are not where this PrismaClient looks for them. Check its database and schema, and that the migration was applied there.',
      error,
    )
  if (isReadOnly(error))
    return named(
      'DatabaseReadOnly',
      'the database takes no writes: this server is a standby or read-only. Connect to the primary; after a fail-over this passes by itself.',
      error,
    )
  if (isCrowded(error))
    return named(
      'PoolExhausted',
      "no connection of the PrismaClient's pool became free. End transactions sooner, or raise the pool's size in its driver adapter.",
      error,
    )
  if (isLost(error))
    return named(
      'DatabaseConnectionLost',
      'the connection to the database was lost or could not be made. Nothing of this call was stored; it can be repeated.',
      error,
    )
  if (isOver(error)) return named('TransactionExpired', 'a transaction took so long that Prisma ended it. Nothing of it was stored; it can be repeated.', error)
  return error
}

export const outcomeUnknown = (cause: unknown) =>
  named(
    'DatabaseOutcomeUnknown',
    'the connection to the database was lost while a commit was under way. Whether it was stored is unknown: look before you repeat it.',
    cause,
  )

/** What a host's transaction answers that cannot carry the call. */
export const explainedTx = (error: unknown): unknown => {
  if (isOver(error))
    return named(
      'TypeError',
      '`tx` is over: its `$transaction` has ended or timed out. Await the call inside the function that you give to `$transaction`.',
      error,
      TypeError,
    )
  if (isMissing(error)) return foreignTx(error)
  if (isConflict(error))
    return named(
      'TransactionConflict',
      'your transaction met another one, and the database ended it. Nothing of it was stored; run your `$transaction` again.',
      error,
    )
  return explained(error)
}

export const foreignTx = (cause?: unknown) =>
  named(
    'TypeError',
    '`tx` is a transaction on another database than the one of this storage. Begin it with the PrismaClient that `prismaStorage` was given.',
    cause,
    TypeError,
  )
