// Every recovery class on the real engine, through every fault at every request and a death at every call.

import { type Connect, testAdapter } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { toy } from './toy-adapter.ts'
import { toySandbox } from './toy-platform.ts'

const connect: Connect = ({ syndikit, tenant, reconnect }) =>
  syndikit.connections.open({
    tenant,
    platform: 'toy',
    fields: { name: reconnect === undefined ? 'password' : 'new-password' },
    ...(reconnect !== undefined && { reconnect }),
  })

const samples = { 'a post': { content: { text: 'one' } }, 'a thread': { content: { text: 'first', thread: [{ text: 'second' }] } } }

for (const door of ['idempotent', 'two-phase', 'look-up', 'probe', 'blind'] as const)
  describe(`an adapter of the class ${door}`, () => {
    testAdapter({ test: (name, run) => test(name, { timeout: 120_000 }, run), adapter: () => toy(door), sandbox: toySandbox as never, connect, samples })
  })
