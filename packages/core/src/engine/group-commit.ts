// Calls of one kind that happen at the same moment go out as one statement. No timer: what is called in one turn goes at once,
// calls that arrive while it is under way are the next batch. Each row is still decided by itself.

/** At most this many rows in one statement. */
const most = 200

interface Waiting<Row, Result> {
  readonly row: Row
  resolve(result: Result): void
  reject(error: unknown): void
}
type Write<Row, Result> = (rows: readonly Row[]) => Promise<readonly Result[]>

const flush = async <Row, Result>(
  batch: readonly Waiting<Row, Result>[],
  write: Write<Row, Result>,
  isDataError: (error: unknown) => boolean,
): Promise<void> => {
  try {
    const results = await write(batch.map(({ row }) => row))
    if (results.length !== batch.length) throw new TypeError(`The storage answered ${results.length} results to ${batch.length} rows.`)
    for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result)
  } catch (error) {
    if (batch.length === 1 || !isDataError(error)) {
      for (const { reject } of batch) reject(error)
      return
    }
    const half = batch.length >> 1
    await flush(batch.slice(0, half), write, isDataError)
    await flush(batch.slice(half), write, isDataError)
  }
}

/**
 * Turns a batch verb into a verb for one row. When the batch fails, every caller of it gets the error: what became of its row is unknown, so nobody goes on.
 * A batch that fails because of a row's data is split until the bad row stands alone.
 */
export const groupCommit = <Row, Result>(write: Write<Row, Result>, isDataError: (error: unknown) => boolean = () => false) => {
  let waiting: Waiting<Row, Result>[] = []
  let busy = false
  const drain = async (): Promise<void> => {
    if (busy) return
    busy = true
    // Not in this turn of the promises: what comes along with the first call goes with it.
    await undefined
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      await flush(batch, write, isDataError)
    }
    busy = false
  }
  return (row: Row): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      void drain()
    })
}
