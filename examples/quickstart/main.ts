// The main job, end to end: a post from a file goes out once, on three platforms.
//
//   npm run quickstart [-- FILE.md] [--json] [--serve] [--db FILE] [--sandbox URL] [--storage sqlite|postgres] [--queue in-process|bullmq]

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type DeliveryInfo, type Problem, PublishError } from '@syndikit/core'
import { type Accounts, connectAccounts, reconnectWhenAsked } from './accounts.ts'
import { type App, createApp, type Draft, deployment } from './app.ts'
import { liveAccounts, networkFor } from './live.ts'
import { type PostFile, readPostFile } from './post-file.ts'
import { adviceOn, problemLine, type Report, rowOf, table } from './report.ts'
import { openSandbox } from './sandbox-process.ts'
import { openSetUp, queues, storages } from './set-up.ts'

const usage = `Usage: npm run quickstart [-- FILE.md] [--json] [--serve] [--db FILE] [--sandbox URL] [--storage NAME] [--queue NAME]

  FILE.md          the post: Markdown with front matter (default examples/quickstart/post.md)
  --json           prints one JSON object: { deliveries, problems }
  --serve          leaves the feed of what was posted open, until Ctrl-C
  --db FILE        keeps everything there; run it again, and nothing goes out twice
  --sandbox URL    posts to a sandbox that runs already (npm run sandbox)
  --storage NAME   sqlite (the default), or postgres: at --db or DATABASE_URL, else one is started for this run
  --queue NAME     in-process (the default), or bullmq: at REDIS_URL, else a Redis is started for this run`

const options = {
  json: { type: 'boolean', default: false },
  serve: { type: 'boolean', default: false },
  db: { type: 'string' },
  sandbox: { type: 'string' },
  storage: { type: 'string', default: 'sqlite' },
  queue: { type: 'string', default: 'in-process' },
  help: { type: 'boolean', default: false },
} as const

/** Beyond its due time. X shows a post in its timeline late, so a lost answer takes two minutes to be sure of. */
const patienceMs = 5 * 60_000

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n\n${usage}`, { cause })
  }
}

const oneOf = <T extends string>(flag: string, given: string, known: readonly T[]): T => {
  const found = known.find((name) => name === given)
  if (found === undefined) throw new Error(`--${flag} is one of ${known.join(', ')}, not ${given}.`)
  return found
}

const settingsOf = (args: readonly string[]) => {
  const { values, positionals } = parsed(args)
  if (positionals.length > 1) throw new Error(`One post at a time, not ${positionals.join(', ')}.`)
  // npm runs scripts in the folder of package.json, and says here where the user was.
  const path = (file: string) => resolve(process.env.INIT_CWD ?? process.cwd(), file)
  const [file] = positionals
  const storage = oneOf('storage', values.storage, storages)
  return {
    ...values,
    storage,
    queue: oneOf('queue', values.queue, queues),
    file: file === undefined ? join(import.meta.dirname, 'post.md') : path(file),
    db: values.db === undefined || storage !== 'sqlite' ? values.db : path(values.db),
  }
}
type Settings = ReturnType<typeof settingsOf>

interface Scheduled {
  readonly problems: readonly Problem[]
  /** Absent: nothing was scheduled. */
  readonly publicationId?: string
  /** Whether an earlier run did it. */
  readonly before?: boolean
}

/** Takes it in once, however often this runs: the key is the file's content. */
const schedule = async (app: App, draft: Draft): Promise<Scheduled> => {
  const problems = await app.publisher.check(draft)
  try {
    const result = await app.scheduler.schedule(draft)
    if (result.status === 'active') throw new Error(`The same post is on its way already, scheduled as ${result.deliveryIds.join(', ')}.`)
    // `key-reused`: the same file, but its relative time means another instant now. What is scheduled stays as it is.
    if (result.status === 'scheduled') return { problems, publicationId: result.publicationId }
    return { problems: problems.filter(({ severity }) => severity === 'warning'), publicationId: result.publicationId, before: true }
  } catch (error) {
    if (!PublishError.is(error) || error.problems.length === 0) throw error
    return { problems: [...error.problems, ...problems.filter(({ severity }) => severity === 'warning')] }
  }
}

/** Until nothing of it moves by itself any more. */
const settle = async (app: App, tenant: string, publicationId: string): Promise<readonly DeliveryInfo[]> => {
  const { items } = await app.scheduler.list({ tenant, publicationId })
  const dueAt = Math.max(Date.now(), ...items.map((delivery) => delivery.dueAt.getTime()))
  return app.publisher.wait({ tenant, publicationId, timeoutMs: dueAt - Date.now() + patienceMs })
}

/** What earlier runs left behind goes out too. */
const finishLeftovers = async (app: App, tenant: string): Promise<void> => {
  const { items } = await app.scheduler.list({ tenant, state: ['scheduled', 'running'], until: new Date() })
  for (const publicationId of new Set(items.map((delivery) => delivery.publicationId))) await settle(app, tenant, publicationId)
}

type Say = (line: string) => void

/** Better at the start than at the first post: what is sealed with a key that is lost opens never again. */
const checkKeys = async (app: App, database: string | undefined): Promise<void> => {
  const missing = (await app.vault.report()).filter(({ role, rows }) => role === 'missing' && rows > 0)
  if (missing.length === 0) return
  const ids = missing.map(({ keyId }) => keyId).join(', ')
  throw new Error(`${database} holds credentials that are sealed with another key (${ids}). Put that key back: into SYNDIKIT_KEYS, or into ${database}.keys.`)
}

const narrate = (app: App, say: Say): void => {
  app.on('delivery:postponed', ({ platform, nextAt, reason }) => say(`${platform}: goes on at ${nextAt.toISOString().slice(11, 19)}. ${reason.message}`))
}

const publish = async (app: App, post: PostFile, draft: Draft, say: Say): Promise<Report> => {
  const { problems, publicationId, before } = await schedule(app, draft)
  for (const problem of problems) say(problemLine(problem, `${post.name}:${post.lineOf(problem)}`))
  if (problems.length === 0) say('Checked: nothing is wrong with it.')
  if (publicationId === undefined) {
    say('Nothing was scheduled.')
    return { deliveries: [], problems }
  }
  say(before ? 'This post was scheduled before. Nothing new is published; this is what became of it:' : 'Scheduled. Waiting for it to go out …')
  narrate(app, say)
  const worker = app.start()
  try {
    const deliveries = await settle(app, draft.tenant, publicationId)
    await finishLeftovers(app, draft.tenant)
    const inOrder = post.targets.flatMap((platform) => deliveries.filter((delivery) => delivery.platform === platform))
    const rows = await Promise.all(inOrder.map((delivery) => rowOf(app, delivery)))
    say(`\n${table(rows)}\n`)
    for (const delivery of inOrder) if (delivery.state !== 'published') say(adviceOn(delivery))
    return { deliveries: rows, problems }
  } finally {
    await worker.stop()
  }
}

const untilInterrupted = (): Promise<void> =>
  new Promise((done) => {
    const awake = setInterval(() => undefined, 60_000)
    process.removeAllListeners('SIGINT').once('SIGINT', () => {
      clearInterval(awake)
      done()
    })
  })

interface Scene extends Accounts {
  readonly settings: Settings
  readonly post: PostFile
  readonly say: Say
}

const perform = async ({ settings, post, say, ...accounts }: Scene): Promise<Report> => {
  const { app, tenant } = accounts
  await checkKeys(app, settings.db)
  reconnectWhenAsked(accounts, say)
  const connections = await connectAccounts(accounts, post.targets)
  say(`Connected: ${connections.map(({ platform, name }) => `${platform} as ${name}`).join(', ')}`)
  return publish(app, post, { ...post.draft, tenant, to: connections.map(({ id }) => id) }, say)
}

/** `show` gets the report before the feed is left open. */
const run = async (settings: Settings, say: Say, show: (report: Report) => void): Promise<void> => {
  const post = await readPostFile(settings.file)
  const live = liveAccounts(process.env)
  const { storage, queue, keys, beside, close } = await openSetUp(settings, process.env, deployment)
  const sandbox = await openSandbox({ url: settings.sandbox, folder: beside })
  try {
    say(`The emulated platforms are at ${sandbox.url}/`)
    const fetch = networkFor(sandbox, live)
    const app = createApp({ storage, queue, keys, fetch, live: Object.keys(live).length > 0 })
    // What runs against real servers is another tenant, so that neither uses the other's connections.
    const tenant = ['quickstart', ...Object.keys(live)].join('+')
    show(await perform({ settings, post, say, app, tenant, fetch, live, account: process.env.SANDBOX_X_ACCOUNT }).finally(() => app.close()))
    if (!settings.serve) return
    say(`See it at ${sandbox.url}/ Ctrl-C ends it.`)
    await untilInterrupted()
  } finally {
    await sandbox.close()
    await close()
  }
}

const main = async (args: readonly string[]): Promise<void> => {
  // Known before anything can go wrong: a program that asked for JSON gets it even then.
  const json = args.includes('--json')
  const show = (report: Report) => {
    if (json) console.log(JSON.stringify(report))
    const done = report.deliveries.length > 0 && report.deliveries.every(({ status }) => status === 'published')
    process.exitCode = done ? 0 : 1
  }
  try {
    const settings = settingsOf(args)
    if (settings.help) console.log(usage)
    else await run(settings, json ? console.error : console.log, show)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const wrong = PublishError.is(error) ? error.problems : []
    console.error([message, ...wrong.map(({ pointer, fix }) => `${pointer}: ${fix}`)].join('\n'))
    show({ deliveries: [], problems: wrong.length > 0 ? wrong : [{ code: 'not-started', pointer: '', fix: message }] })
  }
}

await main(process.argv.slice(2))
