// The drivers that a campaign can run on: which storage and queue a process opens, and the servers that they need.

import { join } from 'node:path'
import { inProcessQueue, type Queue, type Storage } from '@syndikit/core'
import { type Server, startPostgres, startRedis } from '@syndikit/servers'

interface StorageDriver {
  /** Undefined: it needs no server. */
  readonly start?: () => Promise<Server>
  /** Where every process finds it. */
  readonly urlOf: (folder: string, server: Server | undefined) => string
  /** Loads nothing of the others: a process that is killed every few seconds starts often. */
  readonly open: (url: string) => Promise<Storage>
}
interface QueueDriver {
  readonly start?: () => Promise<Server>
  readonly open: (url: string) => Promise<Queue>
}

const storageDrivers = {
  sqlite: { urlOf: (folder) => join(folder, 'campaign.db'), open: async (url) => (await import('@syndikit/storage-sqlite')).sqliteStorage(url) },
  postgres: {
    start: () => startPostgres(),
    urlOf: (_, server) => server?.url ?? '',
    open: async (url) => (await import('@syndikit/storage-postgres')).postgresStorage(url),
  },
} as const satisfies Readonly<Record<string, StorageDriver>>

const queueDrivers = {
  'in-process': { open: async () => inProcessQueue() },
  bullmq: { start: () => startRedis(), open: async (url) => (await import('@syndikit/queue-bullmq')).bullmqQueue({ connection: url }) },
} as const satisfies Readonly<Record<string, QueueDriver>>

export type StorageName = keyof typeof storageDrivers
export type QueueName = keyof typeof queueDrivers
export const storageNames = Object.keys(storageDrivers) as StorageName[]
export const queueNames = Object.keys(queueDrivers) as QueueName[]

/** What a process needs to know to open both; plain JSON. */
export interface Place {
  readonly storage: StorageName
  readonly storageUrl: string
  readonly queue: QueueName
  readonly queueUrl: string
}

export const storageAt = ({ storage, storageUrl }: Place): Promise<Storage> => (storageDrivers[storage] as StorageDriver).open(storageUrl)
export const queueAt = ({ queue, queueUrl }: Place): Promise<Queue> => (queueDrivers[queue] as QueueDriver).open(queueUrl)

export interface Started {
  readonly place: Place
  /** Undefined where the driver has no server of its own. */
  readonly database: Server | undefined
  readonly redis: Server | undefined
  stop(): Promise<void>
}

/** `folder`: for what is kept in files. */
export const startDrivers = async (storage: StorageName, queue: QueueName, folder: string): Promise<Started> => {
  const driver: StorageDriver = storageDrivers[storage]
  const queueDriver: QueueDriver = queueDrivers[queue]
  const database = await driver.start?.()
  const redis = await queueDriver.start?.()
  return {
    place: { storage, storageUrl: driver.urlOf(folder, database), queue, queueUrl: redis?.url ?? '' },
    database,
    redis,
    stop: async () => {
      await database?.stop()
      await redis?.stop()
    },
  }
}
