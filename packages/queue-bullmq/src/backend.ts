// What the queue needs of a server, whichever it is.

import type { Queue, Worker } from 'bullmq'

/** Where hints go in and figures come out. */
export interface Producer {
  readonly queue: Queue
  /** Resolves when commands can be sent, soon. Rejects at once where the server is known to be away. */
  ready(): Promise<void>
  /** It will never be ready: a new one is needed. */
  readonly dead: boolean
  /** @throws TypeError where the server is set up so that it loses jobs. */
  check(): Promise<void>
  close(): Promise<void>
}

/** Where jobs come out. It takes none before `worker.run()`. */
export interface Consumer {
  readonly worker: Worker
  /** Ends what `worker.close()` leaves open, and with it what still waits for the server. */
  end(): void
}

/** Tells whether a connection works. */
export interface Signals {
  failed(error: unknown): void
  mended(): void
}

/** What a job does. Its data is looked at and not used. */
export type Permit = (job: { readonly id?: string | undefined; readonly name: string; readonly data: unknown }) => Promise<void>

/** Gives a slot back. */
export type Release = () => void

/** Slots that processes share. */
export interface Slots {
  /** It is connected. */
  readonly isReady: boolean
  /** Waits while others have them all. `undefined`, in bounded time: there is none to be had, work without. Never rejects. */
  take(name: string, atATime: number): Promise<Release | undefined>
  /** Nobody here uses this name any more. */
  forget(name: string, atATime: number): void
  /** Resolves when the server knows of every slot that was given back. */
  freed(): Promise<void>
  end(): void
}

export interface Backend {
  producer(signals: Signals): Producer
  consumer(permit: Permit, concurrency: number, signals: Signals): Consumer
  /** `ended`: they failed, and new ones are needed. */
  slots?(ended: () => void): Slots
}

/** A hint, a figure or a check takes no longer than this. */
export const patienceMs = 2_000

/** Rejects when it takes longer. What was asked for may still happen. */
export const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error(`syndikit: the queue has not answered within ${ms} ms.`), { name: 'QueueTimeout' })), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** How every worker of BullMQ is set up. A job that stalls is a spare permit; what failed for whatever reason is not kept. */
export const workerOptions = (concurrency: number) => ({
  concurrency,
  autorun: false,
  // BullMQ's own 15 s would be added to every outage.
  runRetryDelay: 1_000,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
})
