// A host: its own articles, a platform in memory, and a Syndikit on its PrismaClient.

import { createSyndikit, defineAdapter, generateKey, post, type Syndikit } from '@syndikit/core'
import { prismaStorage } from '@syndikit/storage-prisma'
import { z } from 'zod'
import type { HostClient } from './clients.ts'

export const tenant = 'tenant'
/** A process that a test starts is given the same. */
export const keys = process.env.HOST_KEYS ?? generateKey()

/** Posts by what was sent. */
const wall = (posts: string[]) =>
  defineAdapter({
    contract: 1,
    id: 'wall',
    name: 'Wall',
    auth: [{ type: 'keys', fields: z.strictObject({ token: z.string() }) }],
    http: { base: 'https://wall.example', hosts: ['wall.example'] },
    accounts: async () => [{ id: 'account', name: 'Account' }],
    errors: { read: () => ({}), table: [] },
    content: [
      post({
        limits: { text: { text: [{ max: 280, count: 'graphemes' }] }, parts: 1, source: 'made up', checkedAt: '2026-11-20' },
        recovery: { class: 'look-up', settleMs: 1_000 },
        publish: async ({ parts }, { commit }) =>
          commit('post', {
            request: { text: parts[0]?.text ?? '' },
            send: async (sent) => ({ id: `post-${posts.push(sent.text)}` }),
            find: async (sent) => (posts.includes(sent.text) ? { id: `post-${posts.indexOf(sent.text) + 1}` } : 'absent'),
          }),
      }),
    ],
  })

/** `posts` is what people can see. */
export const syndikitOn = (client: HostClient, posts: string[] = []): Syndikit =>
  createSyndikit({ adapters: [wall(posts)], storage: prismaStorage(client), keys }) as unknown as Syndikit

export const connect = async (syndikit: Syndikit): Promise<string> => {
  const [connection] = await syndikit.connections.open({ tenant, platform: 'wall', fields: { token: 't' } })
  return connection?.id ?? ''
}

export const later = () => new Date(Date.now() + 3_600_000)
