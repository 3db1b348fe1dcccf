// A platform of a few lines, and a Syndikit on it: what an end-to-end test of a queue needs.
import { createHash } from 'node:crypto'
import { type Adapter, createSyndikit, defineAdapter, type Logger, type Post, post, type Queue, type Run, type Syndikit } from '@syndikit/core'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { z } from 'zod'

export const tenant = 'ann'
const keys = createHash('sha256').update('a key of tests').digest('base64')

export type Send = (text: string) => Promise<void>

/** `send` is the platform: what it is given is visible. */
const toy = (send: Send): Adapter =>
  defineAdapter({
    contract: 1,
    id: 'toy',
    name: 'Toy',
    auth: [{ type: 'keys', fields: z.strictObject({ token: z.string() }) }],
    http: { base: 'https://toy.example', hosts: ['toy.example'] },
    accounts: async () => [{ id: 'toy-1', name: 'toy-1' }],
    errors: { read: () => ({}), table: [] },
    content: [
      post({
        limits: { text: { text: [{ max: 280, count: 'graphemes' }] }, source: 'made up', checkedAt: '2026-11-20' },
        recovery: { class: 'blind' },
        publish: (content: Post, run: Run) =>
          run.commit('post', {
            request: { text: content.parts[0]?.text ?? '' },
            send: async ({ text }) => {
              await send(text)
              return { id: text }
            },
          }),
      }),
    ],
  }) as Adapter

export const syndikitOn = (file: string, queue: Queue, send: Send, logger?: Logger): Syndikit =>
  createSyndikit({ adapters: [toy(send)], storage: sqliteStorage(file), queue, keys, logger, slots: 20, perConnection: 20 }) as Syndikit

export const connect = async (syndikit: Syndikit): Promise<string> => {
  const [connection] = await syndikit.connections.open({ tenant, platform: 'toy', fields: { token: 't' } })
  if (!connection) throw new Error('no connection')
  return connection.id
}

/** Schedules one delivery each, `everyMs` apart. Answers when each is due, by its text. */
export const schedule = async (syndikit: Syndikit, connectionId: string, count: number, startAt: number, everyMs: number): Promise<Map<string, number>> => {
  const due = new Map(Array.from({ length: count }, (_, n) => [`post ${n}`, startAt + n * everyMs]))
  await Promise.all([...due].map(([text, at]) => syndikit.scheduler.schedule({ tenant, content: { text }, to: [connectionId], at: new Date(at) } as never)))
  return due
}
