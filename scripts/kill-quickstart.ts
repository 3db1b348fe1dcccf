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
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { createApp, platforms } from '../examples/quickstart/app.ts'
import { keyRing } from '../examples/quickstart/keys.ts'
import type { Report } from '../examples/quickstart/report.ts'
import { openSandbox } from '../examples/quickstart/sandbox-process.ts'
import { chanceOf } from './prove/chance.ts'

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
/**
 * A database sees so many posts; then the next one begins, so that deaths fall on connecting too. Every beginning, and every death in it, is a log-in, and Bluesky
 * takes 300 of them a day: with three posts a campaign of 200 kills came to that end.
 */
const postsPerDatabase = 6
const longestRunMs = 10 * 60_000
/** Without a death between them. A run that gives up waiting says so and is started again. */
const mostUnfinished = 4

/** X lets an account post a hundred times in fifteen minutes: one database posts as this one, the next as the other. */
const xAccounts = ['sandbox_sara', 'sandbox_omar'] as const

const folder = mkdtempSync(join(tmpdir(), 'syndikit-kill-'))
const sandbox = await openSandbox({ folder: join(folder, 'sandbox') })
const databases = new Map<string, (typeof xAccounts)[number]>()
interface Part {
  /** In its text, and in no other's. */
  readonly marker: string
  readonly media: number
}
const posts: { readonly parts: readonly Part[]; readonly report: Report | undefined }[] = []

/** How far a run has come, by the last thing it said. */
const phases = {
  starting: /^/,
  connecting: /The emulated platforms are at/,
  checking: /Connected: /,
  working: /Scheduled\.|scheduled before/,
  ending: /^platform +status/m,
} as const
type Phase = keyof typeof phases
const reached = (said: string): Phase => (Object.keys(phases) as Phase[]).findLast((phase) => phases[phase].test(said)) ?? 'starting'
/** In which phase runs died. */
const deaths: Record<Phase, number> = { starting: 0, connecting: 0, checking: 0, working: 0, ending: 0 }

/** So long after the run reached `phase`. */
interface Death {
  readonly phase: Phase
  readonly ms: number
}

interface Ran {
  readonly died: boolean
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  /** From its start. */
  readonly reachedMs: Partial<Record<Phase, number>>
  readonly tookMs: number
}

/** `normalMs`, `reachedMs`: of a run without a death. */
const state = { kills: 0, rounds: 0, normalMs: 0, reachedMs: {} as Ran['reachedMs'] }

const start = (file: string, db: string, death?: Death): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const from = performance.now()
    const args = [...process.execArgv, 'examples/quickstart/main.ts', file, '--json', '--db', db, '--sandbox', sandbox.url]
    const env = { ...process.env, SANDBOX_X_ACCOUNT: databases.get(db) }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    let [out, err, killed] = ['', '', false]
    const reachedMs: Ran['reachedMs'] = {}
    const kill = () => {
      killed = child.kill('SIGKILL')
    }
    const timers = [setTimeout(kill, longestRunMs)]
    const note = () => {
      const phase = reached(err)
      if (reachedMs[phase] !== undefined) return
      reachedMs[phase] = performance.now() - from
      if (death?.phase === phase) timers.push(setTimeout(kill, death.ms))
    }
    note()
    child.stdout.on('data', (text) => {
      out += text
    })
    child.stderr.on('data', (text) => {
      err += text
      note()
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      for (const timer of timers) clearTimeout(timer)
      resolve({ signal, died: killed && signal === 'SIGKILL', code, out, err, reachedMs, tookMs: performance.now() - from })
    })
  })

/** Some are threads, some have a photo (Mastodon takes thirty files in half an hour). */
const writePost = (number: number): { file: string; name: string; parts: readonly Part[] } => {
  const name = `kill-${wanted.seed}-${number}`
  const file = join(folder, `post-${number}.md`)
  const withPhoto = number % 8 === 1
  const parts = [{ marker: `${name}-first.`, media: withPhoto ? 1 : 0 }, ...(number % 6 === 2 ? [{ marker: `${name}-second.`, media: 0 }] : [])]
  if (withPhoto) copyFileSync('examples/quickstart/lake.jpg', join(folder, 'lake.jpg'))
  const media = withPhoto ? 'media:\n  - { file: lake.jpg, alt: A boat on a lake }\n' : ''
  const text = parts.map(({ marker }) => `The evening boat 👨‍👩‍👧‍👦 مساء الخير ${marker} https://example.com/${number}`).join('\n\n---\n\n')
  writeFileSync(file, `---\ntargets: [${platforms.join(', ')}]\nat: in 1 second\n${media}---\n\n${text}\n`)
  return { file, name, parts }
}

/** A third anywhere in a run, most of which is starting; a third from connecting on; a third while it works: waits, claims, sends, notes what became of it. */
const deathAfter = (died: number, random: () => number): Death | undefined => {
  const { normalMs, reachedMs, kills } = state
  if (normalMs === 0 || died >= mostKills || kills >= wanted.kills || (died > 0 && random() < 0.25)) return undefined
  const aims = ['starting', 'connecting', 'working'] as const
  const phase = died < mostKills - 1 ? (aims[Math.floor(random() * aims.length)] ?? 'starting') : 'starting'
  const until = { starting: normalMs, connecting: reachedMs.working ?? normalMs, working: normalMs }[phase] - (reachedMs[phase] ?? 0)
  const spans = [until, phase === 'connecting' ? until : until + leaseMs, Math.min(normalMs, leaseMs / 2)]
  return { phase, ms: random() * (spans[died] ?? 0) }
}

/** Starts it until it finishes, with deaths in between. */
const round = async (db: string, random: () => number): Promise<void> => {
  const { file, name, parts } = writePost(state.rounds++)
  for (let died = 0, unfinished = 0; ; ) {
    const death = deathAfter(died, random)
    if (death) state.kills++
    const ran = await start(file, db, death)
    if (ran.died && death) {
      died++
      deaths[reached(ran.err)]++
      continue
    }
    if (death) state.kills-- // it was faster
    unfinished++
    if (ran.code !== 0) console.error(`${name} ended with ${ran.signal ?? ran.code}:\n${ran.err}`)
    if (ran.code !== 0 && unfinished < mostUnfinished) continue
    posts.push({ parts, report: ran.code === 0 ? (JSON.parse(ran.out) as Report) : undefined })
    if (state.normalMs === 0) Object.assign(state, { normalMs: ran.tookMs, reachedMs: ran.reachedMs })
    return
  }
}

const lane = async (number: number): Promise<void> => {
  const random = chanceOf(wanted.seed * 1_000 + number)
  for (let at = 0; state.kills < wanted.kills; at++) {
    const db = join(folder, `lane-${number}-${Math.floor(at / postsPerDatabase)}.db`)
    databases.set(db, xAccounts[(number + Math.floor(at / postsPerDatabase)) % xAccounts.length] ?? xAccounts[0])
    await round(db, random)
    if (at % 5 === 4) console.error(`${state.kills} kills, ${state.rounds} rounds`)
  }
}

/** What the databases say, by the public API. */
const storedDeliveries = async (db: string): Promise<readonly DeliveryInfo[]> => {
  const app = createApp({ storage: sqliteStorage(db), keys: keyRing(db, {}), fetch: () => Promise.reject(new Error('not now')), live: false })
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
  for (const { parts, report } of posts) {
    for (const platform of platforms) {
      const there = parts.map(({ marker }) => visible.filter((one) => one.platform === platform && one.text.includes(marker)))
      lost += parts.filter(({ media }, n) => !there[n]?.some((one) => one.media === media)).length
      duplicates += there.reduce((sum, found) => sum + Math.max(0, found.length - 1), 0)
      const row = report?.deliveries.find((delivery) => delivery.platform === platform)
      if (row?.status !== 'published' || !there[0]?.some(({ id }) => id === row.id)) falseStatus++
    }
  }
  return { lost, duplicates, falseStatus }
}

const from = performance.now()
try {
  databases.set(join(folder, 'measured.db'), xAccounts[0])
  await round(join(folder, 'measured.db'), () => 0)
  await Promise.all(Array.from({ length: wanted.parallel }, (_, number) => lane(number)))
  const visible = (await (await fetch(`${sandbox.url}/_sandbox/visible`)).json()) as Visible[]
  const stored = (await Promise.all([...databases.keys()].map(storedDeliveries))).flat()
  const verdict = judge(visible, stored)
  const seconds = Math.round((performance.now() - from) / 1000)
  const parts = platforms.length * posts.reduce((sum, post) => sum + post.parts.length, 0)
  console.log(
    JSON.stringify({ seed: wanted.seed, kills: state.kills, deaths, rounds: state.rounds, posts: parts, visible: visible.length, ...verdict, seconds }),
  )
  if (verdict.lost + verdict.duplicates + verdict.falseStatus > 0) process.exitCode = 1
} finally {
  await sandbox.close()
  if (process.exitCode === undefined) rmSync(folder, { recursive: true, force: true })
  else console.error(`The databases, posts and the sandbox's folder are kept in ${folder}`)
}
