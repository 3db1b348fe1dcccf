// A platform that does nothing: one commit without a network, so that what is measured is Syndikit.

import { type Adapter, defineAdapter, post } from '@syndikit/core'
import { z } from 'zod'

/** Called with the delivery's key in the turn in which a real adapter would send. */
export const noop = (sent: (key: string) => void = () => undefined): Adapter =>
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
        publish: (content, { commit, delivery }) =>
          commit('publish', {
            request: { text: content.parts[0]?.text ?? '' },
            send: async () => {
              sent(delivery.key)
              return { id: delivery.key }
            },
          }),
      }),
    ],
  })
