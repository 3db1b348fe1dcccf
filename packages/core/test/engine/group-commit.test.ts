// Writes that happen at the same moment go out as one: one at a time, each row decided by itself, nobody told more than is known.

import { describe, expect, test } from 'vitest'
import { groupCommit } from '../../src/engine/group-commit.ts'

const gate = () => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** Calls that come while the first one is under way. */
const afterFirst = async <T>(count: number, write: (row: number) => Promise<T>): Promise<{ all: Promise<T>[] }> => {
  const first = write(0)
  await Promise.resolve()
  return { all: [first, ...Array.from({ length: count - 1 }, (_, i) => write(i + 1))] }
}

test('what is called in one turn goes together, what comes meanwhile goes next, one batch at a time and no more than 200 rows', async () => {
  const batches: number[] = []
  let inFlight = 0
  let most = 0
  const first = gate()
  const write = groupCommit(async (rows: readonly number[]) => {
    batches.push(rows.length)
    inFlight += 1
    most = Math.max(most, inFlight)
    await (batches.length === 1 ? first.opened : Promise.resolve())
    inFlight -= 1
    return rows.map((row) => row * 2)
  })
  const begun = [write(-1), write(-2), write(-3)]
  await Promise.resolve()
  const all = Array.from({ length: 450 }, (_, i) => write(i))
  await Promise.resolve()
  expect(batches).toEqual([3])
  first.open()
  expect(await Promise.all([...begun, ...all])).toEqual([-2, -4, -6, ...Array.from({ length: 450 }, (_, i) => i * 2)])
  expect(batches).toEqual([3, 200, 200, 50])
  expect(most).toBe(1)
})

test('a lost connection: every caller of the batch is told, the next batch goes on', async () => {
  let down = true
  const write = groupCommit(async (rows: readonly number[]) => {
    await Promise.resolve()
    if (down) throw new Error('connection lost')
    return rows
  })
  const first = await Promise.allSettled([write(0), write(1), write(2)])
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  down = false
  expect(await write(3)).toBe(3)
})

describe('a row whose data cannot be stored', () => {
  const bad = new Set([7])
  const make = async (isDataError?: (error: unknown) => boolean) => {
    const sizes: number[] = []
    const hold = gate()
    const write = groupCommit(async (rows: readonly number[]) => {
      sizes.push(rows.length)
      if (sizes.length === 1) await hold.opened
      if (rows.some((row) => bad.has(row))) throw Object.assign(new Error('invalid byte sequence'), { code: '22021' })
      return rows
    }, isDataError)
    const { all } = await afterFirst(33, write)
    hold.open()
    return { all, sizes }
  }
  test('fails alone, when the storage says that it is the data', async () => {
    const { all, sizes } = await make((error) => (error as { code?: string }).code === '22021')
    const settled = await Promise.allSettled(all)
    expect(settled.flatMap(({ status }, row) => (status === 'rejected' ? [row] : []))).toEqual([7])
    expect(sizes.length).toBeLessThan(20)
  })
  test('is taken for an outage otherwise', async () => {
    const { all } = await make()
    expect((await Promise.allSettled(all)).filter(({ status }) => status === 'rejected')).toHaveLength(32)
  })
})

test('an answer with fewer results than rows is no answer', async () => {
  const hold = gate()
  let calls = 0
  const write = groupCommit(async (rows: readonly number[]) => {
    calls += 1
    if (calls === 1) await hold.opened
    return rows.slice(0, 1)
  })
  const { all } = await afterFirst(3, write)
  hold.open()
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
})

test('a write that throws before it begins rejects its callers and blocks nobody', async () => {
  let calls = 0
  const write = groupCommit((rows: readonly number[]) => {
    calls += 1
    if (calls === 1) throw new TypeError('no such table')
    return Promise.resolve(rows)
  })
  await expect(write(1)).rejects.toThrow('no such table')
  expect(await write(2)).toBe(2)
})
