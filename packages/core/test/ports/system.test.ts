import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/ports/system.ts'

test('sleep lasts as long as it was told', async () => {
  const start = systemClock.elapsed()
  await systemClock.sleep(30)
  expect(systemClock.elapsed() - start).toBeGreaterThanOrEqual(28)
})

test('sleep ends early and without an error when its signal aborts, before or during', async () => {
  const start = systemClock.elapsed()
  await systemClock.sleep(60_000, AbortSignal.abort())
  const stop = new AbortController()
  const sleeping = systemClock.sleep(60_000, stop.signal)
  stop.abort(new Error('never seen'))
  await sleeping
  expect(systemClock.elapsed() - start).toBeLessThan(1_000)
})

test('a sleep longer than a Node timer can hold does not end at once', async () => {
  const stop = new AbortController()
  let over = false
  const sleeping = systemClock.sleep(2 ** 31 + 5_000, stop.signal).then(() => {
    over = true
  })
  await systemClock.sleep(30)
  expect(over).toBe(false)
  stop.abort()
  await sleeping
})

test('ended sleeps leave no listener on their signal', async () => {
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--
    removeEventListener.apply(signal, args)
  }
  for (let i = 0; i < 5; i++) await systemClock.sleep(0, signal)
  expect(listeners).toBe(0)
})

test('a sleep keeps the process alive until it ends', async () => {
  const script = `import { systemClock } from ${JSON.stringify(new URL('../../src/ports/system.ts', import.meta.url).href)}
    systemClock.sleep(150).then(() => console.log('woke'))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module-typescript',
    '--no-warnings',
    '--experimental-strip-types',
    '-e',
    script,
  ])
  expect(stdout).toBe('woke\n')
})

test('chance has the asked length and spreads over the whole range', () => {
  expect(systemRandom.bytes(32)).toHaveLength(32)
  expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32))
  const drawn = Array.from({ length: 2_000 }, () => systemRandom.fraction())
  expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true)
  for (let tenth = 0; tenth < 10; tenth++) expect(drawn.filter((x) => Math.floor(x * 10) === tenth).length).toBeGreaterThan(100)
})
