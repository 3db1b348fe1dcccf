// The in-memory storage keeps the rules that every storage keeps.

import { memoryStorage } from '@syndikit/core'
import { testStorage } from '@syndikit/testing'
import { describe, expect, test } from 'vitest'

describe('memoryStorage keeps the contract', () => {
  let nowMs = Date.UTC(2026, 10, 20)
  testStorage({
    test,
    open: () => memoryStorage({ clock: { now: () => nowMs } }),
    wait: async (ms) => {
      await Promise.resolve()
      nowMs += ms
    },
  })
})

test('a host transaction is refused: memory has none', async () => {
  expect(() => memoryStorage().within({} as never)).toThrow(/leave `tx` out/)
})
