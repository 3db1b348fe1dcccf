// The storage suite must be seen to fail: a rule that passes on a broken storage proves nothing.
import { memoryStorage, type Storage } from '@syndikit/core'
import { describe, expect, test } from 'vitest'
import { testStorage } from '../src/index.ts'
import { faults } from './storage-faults.ts'
import { ignoringTenant, removingForeignGrants } from './storage-tenants.ts'

/** The rules that fail on such a storage, of those that match. */
const failing = async (open: () => Storage<never>, only: RegExp): Promise<{ ran: number; failed: string[] }> => {
  const failed: string[] = []
  const rules: { name: string; run: () => Promise<void> }[] = []
  testStorage({ open, test: (name, run) => rules.push({ name, run }) })
  const chosen = rules.filter(({ name }) => only.test(name))
  for (const { name, run } of chosen)
    try {
      await run()
    } catch {
      failed.push(name)
    }
  return { ran: chosen.length, failed }
}

describe('a storage with one fault fails', () => {
  for (const { name, noticedBy, break: broken } of faults)
    test(name, async () => {
      const { ran, failed } = await failing(() => broken(memoryStorage()), noticedBy)
      expect(ran).toBeGreaterThan(0)
      expect(failed.length).toBe(ran)
    })
})

describe('a verb that ignores its tenant fails', () => {
  const verbs = {
    publications: ['get'],
    deliveries: ['get', 'attempts', 'list', 'counts', 'claimed', 'cancel', 'reschedule', 'resolve'],
    connections: ['get', 'byAccount', 'grant', 'ofGrant', 'list', 'update', 'remove', 'replaceGrant', 'lease', 'unlease'],
    oauth: ['client', 'takeState'],
  } as const
  for (const [group, names] of Object.entries(verbs))
    for (const verb of names)
      test(`${group}.${verb}`, async () => {
        const { failed } = await failing(
          () => ignoringTenant(group as keyof typeof verbs, verb),
          /keeps to its tenant|of the tenant that asks|only the tenant itself/,
        )
        expect(failed.length).toBeGreaterThan(0)
      })
})

test("a storage that removes another tenant's grants fails", async () => {
  const { failed } = await failing(removingForeignGrants, /removed by its own tenant only/)
  expect(failed).toHaveLength(1)
})

test('the same rules pass on the storage without a fault', async () => {
  const { ran, failed } = await failing(() => memoryStorage(), /^(?!.*window that ended)/)
  expect(failed).toEqual([])
  expect(ran).toBeGreaterThan(100)
})

test('a forgotten return and a clock in seconds are told as such', async () => {
  const said = async (open: () => Storage<never>): Promise<string> => {
    const rules: (() => Promise<void>)[] = []
    testStorage({ open, test: (name, run) => void (/clock tells/.test(name) && rules.push(run)) })
    return String(await rules[0]?.().catch((error: unknown) => error))
  }
  expect(await said(() => undefined as never)).toContain('`open` gave no storage')
  const storage = memoryStorage()
  expect(await said(() => ({ ...storage, now: async () => Math.floor((await storage.now()) / 1_000) }))).toContain('are they seconds?')
})

test('a rule is left out only by name and with a reason', () => {
  const collect = (except: Record<string, string>) => {
    const names: string[] = []
    testStorage({ open: () => memoryStorage(), test: (name) => names.push(name), except })
    return names
  }
  const [first] = collect({})
  expect(first).toBeDefined()
  expect(collect({ [first ?? '']: 'our database has no clock' })).not.toContain(first)
  expect(() => collect({ [first ?? '']: ' ' })).toThrow(/must say why/)
  expect(() => collect({ 'a rule that never was': 'because' })).toThrow(/names no rule/)
})
