// What PostgreSQL's error codes, and the ways to lose a connection, mean to somebody who has to mend it. No message holds an address, a user or a password.

/** The SQLSTATE of the server, or the code of the operating system; empty for any other error. */
const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Two transactions met: serialisation failure, deadlock, a lock that the role's `lock_timeout` did not wait for. Trying again is all it takes. */
const conflicts = ['40001', '40P01', '55P03']
export const isConflict = (error: unknown): boolean => conflicts.includes(codeOf(error))

/** The connection is gone, was never there, or leads to a server that is no longer the primary. */
const lostCodes = /^(08...|57P0[123]|25006|53300|E(CONN\w+|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND))$/
/** `pg` gives no codes to its own. */
const lostWords = /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|timeout expired|Connection ended)/
export const isLost = (error: unknown): boolean =>
  lostCodes.test(codeOf(error)) || (error instanceof Error && (lostWords.test(error.message) || (error instanceof AggregateError && error.errors.some(isLost))))

/** The connection no longer has what `pg` believes to have prepared on it. */
export const isForgetful = (error: unknown): boolean => ['26000', '42P05'].includes(codeOf(error))

/** Of bad input (22), of a broken constraint (23), of a row that no index can hold (54). The transaction was rolled back. */
export const isDataError = (error: unknown): boolean => /^(22|23|54)...$/.test(codeOf(error))

const named = (name: string, message: string, cause: unknown, Kind: ErrorConstructor | TypeErrorConstructor = Error) =>
  Object.assign(new Kind(`syndikit: ${message}`, { cause }), { name })

/** By code: a name, which is all that a worker's log says, and what to do. */
const advice: Readonly<Record<string, readonly [name: string, words: string]>> = {
  '25006': [
    'DatabaseReadOnly',
    'PostgreSQL takes no writes: this server is a standby, or its transactions are read-only by default. Connect to the primary; after a failover this passes by itself.',
  ],
  '26000': [
    'PreparedStatementsLost',
    'a prepared statement was gone: a pooler such as PgBouncer in transaction mode stands in between. Set `prepare: false`, or let the pooler keep prepared statements.',
  ],
  '28000': ['DatabaseLoginRefused', 'PostgreSQL refused the login. Check user, pg_hba.conf and TLS.'],
  '28P01': ['DatabaseLoginRefused', 'PostgreSQL refused the login. Check user and password.'],
  '3D000': ['DatabaseMissing', 'this database does not exist on the server. Create it, or name another.'],
  '42501': [
    'DatabasePermissionDenied',
    "the role lacks a right. It needs select, insert, update and delete on the tables named syndikit_…, and the first start of each release also `create` on their schema: let the tables' owner do that start.",
  ],
  '42P01': ['TablesMissing', 'the tables named syndikit_… are not where this connection looks for them. Check the database and its `search_path`.'],
  '42P05': [
    'PreparedStatementsLost',
    'a prepared statement was there already: a pooler such as PgBouncer in transaction mode stands in between. Set `prepare: false`, or let the pooler keep prepared statements.',
  ],
  '53100': ['DiskFull', 'the disk of the PostgreSQL server is full. The write was rolled back whole; make room and it can be repeated.'],
  '53200': ['DatabaseOutOfMemory', 'the PostgreSQL server is out of memory. The write was rolled back whole and can be repeated.'],
  '53300': [
    'TooManyConnections',
    'PostgreSQL takes no more connections. Lower the pools of your processes (`max`) below `max_connections` of the server, or put a pooler in between.',
  ],
  '57014': [
    'StatementCanceled',
    'PostgreSQL ended a statement before it was done: the `statement_timeout` of the role or the pool is too short, or somebody canceled it.',
  ],
  '57P03': ['DatabaseStarting', 'PostgreSQL is starting, stopping or recovering. This passes by itself.'],
  ENOTFOUND: ['DatabaseUnreachable', 'the name of the PostgreSQL server cannot be resolved. Check the host.'],
  ECONNREFUSED: ['DatabaseUnreachable', 'no PostgreSQL server answers at its address. Check that it runs, and host and port.'],
}

const lostConnection = 'the connection to PostgreSQL was lost or could not be made. Nothing of this call was stored; it can be repeated.'

const firstOf = (error: unknown): unknown => (error instanceof AggregateError ? error.errors[0] : error)

/** The same error with what to do about it; one that needs no advice as it is. */
export const explained = (error: unknown): unknown => {
  const advised = advice[codeOf(error)] ?? advice[codeOf(firstOf(error))]
  if (advised) return named(advised[0], advised[1], error)
  return isLost(error) ? named('DatabaseConnectionLost', lostConnection, error) : error
}

export const outcomeUnknown = (cause: unknown) =>
  named(
    'DatabaseOutcomeUnknown',
    'the connection to PostgreSQL was lost while a commit was under way. Whether it was stored is unknown: look before you repeat it.',
    cause,
  )

export const poolExhausted = (waitMs: number, cause?: unknown) =>
  named(
    'PoolExhausted',
    `no connection of the pool became free within ${waitMs} ms. Return clients sooner (a transaction that is never ended keeps one), or raise the pool's \`max\`.`,
    cause,
  )

/** What a host's client answers that cannot carry the call. */
export const explainedTx = (error: unknown): unknown => {
  switch (codeOf(error)) {
    case '25P01':
      return named('TypeError', '`tx` has no open transaction. Run `begin` on a client, pass that same client, and commit on it.', error, TypeError)
    case '25P02':
      return named(
        'TransactionFailed',
        'an earlier statement of your transaction `tx` has failed, so PostgreSQL takes no more in it. Roll it back and begin again.',
        error,
      )
    case '42P01':
      return foreignTx(error)
    default:
      return error
  }
}

export const foreignTx = (cause?: unknown) =>
  named(
    'TypeError',
    '`tx` is a client of another database, or with another `search_path`: it does not see the tables of this storage. Take it from a pool on the same database.',
    cause,
    TypeError,
  )
