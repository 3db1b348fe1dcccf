// Writes of one kind that happen at the same moment go out as one statement. No timer: the first call goes at once,
// calls that arrive while it is under way are the next batch. Each row is still decided by itself.

/** At most this many rows in one statement. */
const most = 200

/**
 * Turns a batch verb into a verb for one row. When the batch fails, every caller of it gets the error: what became of its row is unknown, so nobody goes on.
 * A batch that fails because of a row's data is split until the bad row stands alone.
 */
export const groupCommit = <Row, Result>(
  write: (rows: readonly Row[]) => Promise<readonly Result[]>,
  isDataError: (error: unknown) => boolean = () => false,
) => {
  type Waiting = { row: Row; resolve(result: Result): void; reject(error: unknown): void }
  let waiting: Waiting[] = []
  let busy = false

  const flush = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const results = await write(batch.map(({ row }) => row))
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result)
    } catch (error) {
      if (batch.length === 1 || !isDataError(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      const half = batch.length >> 1
      await flush(batch.slice(0, half))
      await flush(batch.slice(half))
    }
  }

  const drain = async (): Promise<void> => {
    if (busy) return
    busy = true
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      await flush(batch)
    }
    busy = false
  }

  return (row: Row): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      void drain()
    })
}
