// A platform that does nothing: one commit without a network, so that what is measured is Syndikit.

import { setTimeout } from 'node:timers/promises'
import { type Adapter, defineAdapter, post } from '@syndikit/core'
import { z } from 'zod'

/** A send: where a real adapter's bytes would leave. */
export interface Sent {
  readonly account: string
  readonly lagMs: number
}

/** @param takesMs how long the platform takes for an answer. */
export const noop = (sent: (send: Sent) => void, takesMs = 0, more: Pick<Partial<Adapter>, 'rates'> = {}): Adapter =>
  defineAdapter({
    contract: 1,
    id: 'noop',
    name: 'Noop',
    auth: [{ type: 'keys', fields: z.object({ token: z.string() }) }],
    http: { base: 'https://noop.example', hosts: ['noop.example'] },
    errors: { read: () => ({}), table: [] },
    accounts: async ({ fields }) => [{ id: fields?.token ?? '', name: 'Nobody' }],
    content: [
      post({
        limits: { text: { text: [{ max: 500, count: 'utf16' }] }, source: 'invented', checkedAt: '2026-11-27' },
        recovery: { class: 'idempotent' },
        publish: (content, { account, commit, delivery }) =>
          commit('publish', {
            request: { text: content.parts[0]?.text ?? '' },
            send: async () => {
              sent({ account: account.id, lagMs: Date.now() - delivery.at.getTime() })
              if (takesMs > 0) await setTimeout(takesMs)
              return { id: delivery.key }
            },
          }),
      }),
    ],
    ...more,
  })
