// Works off what is due and says how many deliveries a second that was, from the start of a worker until the last one is settled.

import type { Storage, Syndikit } from '@syndikit/core'
import { noop, type Sent } from './adapter.ts'
import { syndikitOn } from './load.ts'

/** Resolves with the sends once there were `count` of them. */
export const countingSends = (count: number) => {
  const sends: Sent[] = []
  let all = (): void => undefined
  const done = new Promise<void>((resolve) => {
    all = resolve
  })
  return {
    sends,
    done,
    sent: (send: Sent): void => {
      if (sends.push(send) === count) all()
    },
  }
}

/** Each write in a transaction of its own, as it is without group commit. Claims stay batches, as with any queue. */
export const oneByOne = <Tx>(storage: Storage<Tx>): Storage<Tx> => {
  const each =
    <Row, Result>(verb: (rows: readonly Row[]) => Promise<Result[]>) =>
    async (rows: readonly Row[]): Promise<Result[]> => {
      const results: Result[] = []
      for (const row of rows) results.push(...(await verb([row])))
      return results
    }
  const { deliveries, connections } = storage
  return {
    ...storage,
    connections: { ...connections, inUse: each(connections.inUse) },
    deliveries: { ...deliveries, save: each(deliveries.save), settle: each(deliveries.settle) },
  }
}

/** `due` rows must be due already. The storage is opened, and left open. */
export const drain = async (storage: Storage, due: number): Promise<number> => {
  const { sent, done } = countingSends(due)
  const syndikit: Syndikit = syndikitOn(storage, noop(sent))
  await syndikit.open()
  const began = performance.now()
  const worker = syndikit.start()
  await done
  await worker.stop()
  return (due / (performance.now() - began)) * 1000
}
