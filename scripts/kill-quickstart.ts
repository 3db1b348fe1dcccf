// Kills the quickstart with SIGKILL at random moments and starts it again until it finishes, while one sandbox keeps running; then asks that
// sandbox what is visible. Every post must be there exactly once, and every stored status must be true.
//
//   npm run kill -- --kills 200 [--seed N] [--parallel 2]
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DeliveryInfo } from '@syndikit/core'
import type { Visible } from '@syndikit/sandbox'
import { createApp, openDatabase, platforms } from '../examples/quickstart/app.ts'
import { keyRing } from '../examples/quickstart/keys.ts'
import type { Report } from '../examples/quickstart/report.ts'
import { openSandbox } from '../examples/quickstart/sandbox-process.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '25' }, seed: { type: 'string' }, parallel: { type: 'string', default: '2' } } })
const count = (name: 'kills' | 'parallel' | 'seed', least: number): number => {
  const number = Number(values[name] ?? Date.now() % 1_000_000)
  if (!Number.isInteger(number) || number < least) throw new Error(`--${name} ${values[name]} is not a whole number of at least ${least}.`)
  return number
}
const wanted = { kills: count('kills', 0), parallel: count('parallel', 1), seed: count('seed', 0) }

/** The lease of the quickstart: after a death in mid-work, so long is the pause in which a second death may fall. */
const leaseMs = 6_500
/** A delivery that takes its worker down three times is given up, so no more than that. The third death comes before the lease of the second has ended. */
const mostKills = 3
/** A database sees so many posts; then the next one begins, so that deaths fall on connecting too. */
const postsPerDatabase = 5
const longestRunMs = 10 * 60_000
/** Without a death between them. A run that gives up waiting says so and is started again. */
const mostUnfinished = 4

/** mulberry32: the same seed, the same moments. */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const folder = mkdtempSync(join(tmpdir(), 'syndikit-kill-'))
const sandbox = await openSandbox({ folder: join(folder, 'sandbox') })
const databases = new Set<string>()
const markers: { readonly marker: string; readonly parts: number; readonly report: Report | undefined }[] = []
const state = { kills: 0, rounds: 0, normalMs: 0 }

interface Ran {
  readonly died: boolean
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  readonly tookMs: number
}

const start = (file: string, db: string, killAfterMs: number | undefined): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const from = performance.now()
    const args = [...process.execArgv, 'examples/quickstart/main.ts', file, '--json', '--db', db, '--sandbox', sandbox.url]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err, killed] = ['', '', false]
    child.stdout.on('data', (text) => {
      out += text
    })
    child.stderr.on('data', (text) => {
      err += text
    })
    const kill = () => {
      killed = child.kill('SIGKILL')
    }
    const timer = setTimeout(kill, killAfterMs ?? longestRunMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ signal, died: killed && signal === 'SIGKILL', code, out, err, tookMs: performance.now() - from })
    })
  })

/** Some are threads, some have a photo (Mastodon takes thirty files in half an hour). */
const writePost = (number: number): { file: string; marker: string; parts: number } => {
  const marker = `kill-${wanted.seed}-${number}.`
  const file = join(folder, `post-${number}.md`)
  const withPhoto = number % 8 === 1
  const parts = number % 6 === 2 ? 2 : 1
  if (withPhoto) copyFileSync('examples/quickstart/lake.jpg', join(folder, 'lake.jpg'))
  const media = withPhoto ? 'media:\n  - { file: lake.jpg, alt: A boat on a lake }\n' : ''
  const text = `The evening boat 👨‍👩‍👧‍👦 مساء الخير ${marker} https://example.com/${number}`
  const second = parts === 2 ? `\n---\n\nAnd the way back. ${marker}\n` : ''
  writeFileSync(file, `---\ntargets: [${platforms.join(', ')}]\nat: in 1 second\n${media}---\n\n${text}\n${second}`)
  return { file, marker, parts }
}

/** Starts it until it finishes, with deaths in between. */
const round = async (db: string, random: () => number): Promise<void> => {
  const { file, marker, parts } = writePost(state.rounds++)
  const windows = state.normalMs === 0 ? [] : [state.normalMs, state.normalMs + leaseMs, state.normalMs]
  for (let deaths = 0, unfinished = 0; ; ) {
    const window = deaths < mostKills && state.kills < wanted.kills && (deaths === 0 || random() < 0.75) ? windows[deaths] : undefined
    if (window !== undefined) state.kills++
    const ran = await start(file, db, window === undefined ? undefined : random() * window)
    if (ran.died && window !== undefined) {
      deaths++
      continue
    }
    if (window !== undefined) state.kills-- // it was faster
    unfinished++
    if (ran.code !== 0) console.error(`${marker} ended with ${ran.signal ?? ran.code}:\n${ran.err}`)
    if (ran.code !== 0 && unfinished < mostUnfinished) continue
    markers.push({ marker, parts, report: ran.code === 0 ? (JSON.parse(ran.out) as Report) : undefined })
    if (state.normalMs === 0) state.normalMs = ran.tookMs
    return
  }
}

const lane = async (number: number): Promise<void> => {
  const random = randomOf(wanted.seed * 1_000 + number)
  for (let at = 0; state.kills < wanted.kills; at++) {
    const db = join(folder, `lane-${number}-${Math.floor(at / postsPerDatabase)}.db`)
    databases.add(db)
    await round(db, random)
    if (at % 5 === 4) console.error(`${state.kills} kills, ${state.rounds} rounds`)
  }
}

/** What the databases say, by the public API. */
const storedDeliveries = async (db: string): Promise<readonly DeliveryInfo[]> => {
  const app = createApp({ storage: await openDatabase(db), keys: keyRing(db, {}), fetch: () => Promise.reject(new Error('not now')), live: false })
  const deliveries: DeliveryInfo[] = []
  for (let after: string | undefined, more = true; more; ) {
    const page = await app.scheduler.list({ tenant: 'quickstart', limit: 200, after })
    deliveries.push(...page.items)
    after = page.next
    more = after !== undefined
  }
  await app.close()
  return deliveries
}

interface Verdict {
  readonly lost: number
  readonly duplicates: number
  readonly falseStatus: number
}

/** `falseStatus`: published and not visible, visible and not published, or reported under another id than the one that people see. */
const judge = (visible: readonly Visible[], stored: readonly DeliveryInfo[]): Verdict => {
  const key = (platform: string, id: string) => `${platform} ${id}`
  const shown = new Set(visible.map(({ platform, id }) => key(platform, id)))
  const published = stored.filter(({ state }) => state === 'published')
  const claimed = published.flatMap(({ platform, parts, placement }) =>
    (parts.length > 0 ? parts : placement ? [placement] : []).map(({ id }) => key(platform, id)),
  )
  let [lost, duplicates] = [0, 0]
  let falseStatus = claimed.filter((one) => !shown.has(one)).length + [...shown].filter((one) => !claimed.includes(one)).length
  falseStatus += claimed.length - new Set(claimed).size + (stored.length - published.length)
  for (const { marker, parts, report } of markers) {
    for (const platform of platforms) {
      const there = visible.filter((one) => one.platform === platform && one.text.includes(marker))
      lost += Math.max(0, parts - there.length)
      duplicates += Math.max(0, there.length - parts)
      const row = report?.deliveries.find((delivery) => delivery.platform === platform)
      if (row?.status !== 'published' || !there.some(({ id }) => id === row.id)) falseStatus++
    }
  }
  return { lost, duplicates, falseStatus }
}

const from = performance.now()
try {
  databases.add(join(folder, 'measured.db'))
  await round(join(folder, 'measured.db'), () => 0)
  await Promise.all(Array.from({ length: wanted.parallel }, (_, number) => lane(number)))
  const visible = (await (await fetch(`${sandbox.url}/_sandbox/visible`)).json()) as Visible[]
  const stored = (await Promise.all([...databases].map(storedDeliveries))).flat()
  const verdict = judge(visible, stored)
  const seconds = Math.round((performance.now() - from) / 1000)
  const posts = platforms.length * markers.reduce((sum, { parts }) => sum + parts, 0)
  console.log(JSON.stringify({ seed: wanted.seed, kills: state.kills, rounds: state.rounds, posts, visible: visible.length, ...verdict, seconds }))
  if (verdict.lost + verdict.duplicates + verdict.falseStatus > 0) process.exitCode = 1
} finally {
  await sandbox.close()
  if (process.exitCode === undefined) rmSync(folder, { recursive: true, force: true })
  else console.error(`The databases, posts and the sandbox's folder are kept in ${folder}`)
}
