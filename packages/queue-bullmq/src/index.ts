// The public surface of @syndikit/queue-bullmq. A list of exports and nothing else.

export { type BullmqQueue, bullmqQueue } from './bullmq-queue.ts'
export type { BullmqQueueOptions, PostgresSettings, RedisClient, RedisSettings } from './options.ts'
