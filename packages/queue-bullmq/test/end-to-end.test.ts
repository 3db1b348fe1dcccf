// The whole of Syndikit on this queue: each delivery goes out once, on time, also when Redis is killed meanwhile, and a worker that is told to end loses nothing.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missing, type Server, startRedis } from '@syndikit/servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BullmqQueue, bullmqQueue } from '../src/index.ts'
import { connect, schedule, syndikitOn, tenant } from './toy.ts'
import { until } from './watch.ts'

describe.skipIf(missing('redis') !== undefined)(`Redis ${missing('redis') ?? ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
  let server: Server
  let made = 0
  const path = (ending: string) => join(folder, `${++made}${ending}`)
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** Two processes' worth of Syndikit on one file, in this process. */
  const two = async () => {
    const file = path('.db')
    const name = `two-${made}`
    const sent: { readonly text: string; readonly at: number; readonly by: number }[] = []
    const queues = [1, 2].map((): BullmqQueue => bullmqQueue({ connection: server.url, name }))
    const [one, other] = queues.map((queue, by) => syndikitOn(file, queue, async (text) => void sent.push({ text, at: Date.now(), by })))
    if (!one || !other) throw new Error('two')
    const connectionId = await connect(one)
    await other.open()
    const workers = [one.start(), other.start()]
    const end = async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
      await Promise.all([one.close(), other.close()])
    }
    return { one, connectionId, sent, end }
  }

  const lags = (due: ReadonlyMap<string, number>, sent: readonly { readonly text: string; readonly at: number }[]): string => {
    const late = sent.map(({ text, at }) => at - (due.get(text) ?? 0)).sort((a, b) => a - b)
    const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))]
    return `lag at send p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${late.at(-1)} ms`
  }

  test('two workers send two hundred deliveries of two seconds, each once', async () => {
    const { one, connectionId, sent, end } = await two()
    const due = await schedule(one, connectionId, 200, Date.now() + 3_000, 10)
    await until('all are sent', () => sent.length >= 200, 20_000)
    await end()
    expect(new Set(sent.map(({ text }) => text)).size).toBe(200)
    expect(sent).toHaveLength(200)
    expect(sent.filter(({ text, at }) => at < (due.get(text) ?? 0))).toEqual([])
    console.log(`two workers: ${sent.filter(({ by }) => by === 0).length} + ${sent.filter(({ by }) => by === 1).length} deliveries, ${lags(due, sent)}`)
  })

  test('Redis killed halfway costs no delivery and doubles none', async () => {
    const { one, connectionId, sent, end } = await two()
    const due = await schedule(one, connectionId, 200, Date.now() + 3_000, 10)
    await until('half are sent', () => sent.length >= 100, 20_000)
    await server.crash()
    await until('all are sent', () => sent.length >= 200, 20_000)
    await end()
    await server.start()
    expect(new Set(sent.map(({ text }) => text)).size).toBe(200)
    expect(sent).toHaveLength(200)
    console.log(`Redis killed halfway: ${lags(due, sent)}`)
  })

  const startWorker = (file: string, sent: string, sendMs: number) => {
    const flags = ['--experimental-strip-types', '--no-warnings', '--conditions=@syndikit/source']
    const script = fileURLToPath(new URL('./worker.ts', import.meta.url))
    const child: ChildProcess = spawn(process.execPath, [...flags, script, file, server.url, sent, String(sendMs)])
    const said = { out: '', error: '' }
    child.stdout?.on('data', (text: Buffer) => {
      said.out += text
    })
    child.stderr?.on('data', (text: Buffer) => {
      said.error += text
    })
    const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
    return { child, said, ended }
  }

  test('a worker that gets SIGTERM finishes what it has begun, ends by itself, and the next one does the rest', async () => {
    const [file, sentFile] = [path('.db'), path('.log')]
    writeFileSync(sentFile, '')
    const lines = (word: string) =>
      readFileSync(sentFile, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(word))
    const app = syndikitOn(file, bullmqQueue({ connection: server.url }), async () => undefined)
    const connectionId = await connect(app)
    const first = startWorker(file, sentFile, 400)
    await until('the first worker is ready', () => first.said.out.includes('ready'), 30_000)
    await schedule(app, connectionId, 60, Date.now() + 300, 20)
    await until('some are under way', () => lines('begun').length > lines('sent').length + 3, 20_000)
    first.child.kill('SIGTERM')
    const endedWithin = await Promise.race([first.ended, new Promise((resolve) => setTimeout(resolve, 10_000, 'still alive'))])
    expect([endedWithin, first.said.error]).toEqual([0, ''])
    expect(first.said.out).toContain('stopped')
    expect(lines('begun').length).toBe(lines('sent').length)
    expect(lines('sent').length).toBeLessThan(60)
    const second = startWorker(file, sentFile, 0)
    await until('all are sent', () => lines('sent').length >= 60, 30_000)
    const running = async () => (await app.scheduler.list({ tenant, state: ['scheduled', 'running', 'uncertain', 'failed'], limit: 100 } as never)).items.length
    await until('all are settled', async () => (await running()) === 0)
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(new Set(lines('sent')).size).toBe(60)
    expect(lines('sent')).toHaveLength(60)
    await app.close()
  })
})
