// How many deliveries a second one SQLite file carries: claim, save and settle with attempt and event, in batches and one by one, beside rows that wait.
// Run: node --conditions=@syndikit/source scripts/bench-storage.ts [rows waiting] [batch]
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Claim, NewPublication, Storage } from '@syndikit/core'
import { sqliteStorage } from '@syndikit/storage-sqlite'

const waiting = Number(process.argv[2] ?? 100_000)
const batch = Number(process.argv[3] ?? 100)
const due = 20_000
const tenants = 50
const hour = 3_600_000

let made = 0
const id = (kind: string) => `${kind}-${String(++made).padStart(12, '0')}-0123456789abcdef`
const now = Date.now()

const publication = (n: number, dueAt: number): NewPublication => ({
  id: id('p'),
  tenant: `tenant-${n % tenants}`,
  idempotencyKey: null,
  requestHash: 'h',
  body: JSON.stringify({ content: { kind: 'post', text: 'x'.repeat(280) } }),
  deliveries: [{ id: id('d'), connectionId: `c-tenant-${n % tenants}`, platform: 'x', action: 'publish', activeKey: id('k'), priority: 1, dueAt }],
})

const fill = async (storage: Storage, rows: number, dueAt: (n: number) => number) => {
  for (let at = 0; at < rows; at += 1000)
    await storage.publications.add(Array.from({ length: Math.min(1000, rows - at) }, (_, n) => publication(at + n, dueAt(at + n))))
}

const connect = async (storage: Storage) => {
  for (let n = 0; n < tenants; n++) {
    const tenant = `tenant-${n}`
    const common = { tenant, platform: 'x', state: 'active' as const, data: '{}' }
    const grant = { ...common, id: `g-${tenant}`, version: 1, rev: 0, dataKey: '{}', keyId: 'k', sealed: '{}', expiresAt: null, refreshStartedAt: null }
    await storage.connections.put(grant, [{ ...common, id: `c-${tenant}`, accountId: 'a', grantId: grant.id, name: 'N', sealed: null }])
  }
}

const query = { leaseMs: 60_000, skipTenants: [], skipConnections: [], perTenant: batch, perConnection: batch }
const steps = JSON.stringify({ done: [['container', { creation_id: '17900000000000000' }]] })
const marker = JSON.stringify({ name: 'publish', request: { creation_id: '17900000000000000', caption: 'x'.repeat(280) } })
const saved = ({ id, fence }: Claim) => ({ id, fence, steps, marker })
const settled = (claim: Claim) => ({
  ...saved(claim),
  to: 'published' as const,
  nextAt: null,
  tries: 1,
  result: JSON.stringify({ id: '1', url: 'https://x.example/1' }),
  attempt: { id: id('a'), data: marker },
  event: { type: 'delivery:published', data: '{"id":"1"}' },
  placements: [`post-${claim.id}`],
})

const drain = async (storage: Storage, rows: number, one: boolean) => {
  const spent = { claim: 0, save: 0, settle: 0 }
  const timed = async <T>(what: keyof typeof spent, work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const answer = await work()
    spent[what] += performance.now() - began
    return answer
  }
  const began = performance.now()
  const before = process.cpuUsage()
  let done = 0
  while (done < rows) {
    const { claims } = await timed('claim', () => storage.deliveries.claim({ ...query, limit: Math.min(batch, rows - done) }))
    if (claims.length === 0) throw new Error(`nothing more is due after ${done}`)
    const parts = one ? claims.map((claim) => [claim]) : [claims]
    for (const part of parts) {
      await timed('save', () => storage.deliveries.save(part.map(saved)))
      await timed('settle', () => storage.deliveries.settle(part.map(settled)))
    }
    done += claims.length
  }
  const seconds = (performance.now() - began) / 1000
  const micros = Object.fromEntries(Object.entries(spent).map(([what, ms]) => [what, Math.round((ms * 1000) / rows)]))
  const { user, system } = process.cpuUsage(before)
  // On a busy machine the CPU's time is the figure to compare.
  return { perSecond: Math.round(rows / seconds), microsPerDelivery: { ...micros, cpu: Math.round((user + system) / rows) } }
}

const time = async (work: () => Promise<unknown>, times = 20) => {
  const took: number[] = []
  for (let n = 0; n < times; n++) {
    const began = performance.now()
    await work()
    took.push(performance.now() - began)
  }
  return Number((took.sort((a, b) => a - b)[times >> 1] ?? 0).toFixed(2))
}

const folder = mkdtempSync(join(tmpdir(), 'syndikit-bench-'))
try {
  const file = join(folder, 'bench.db')
  const storage = sqliteStorage(file)
  await storage.open('bench')
  await connect(storage)
  const began = performance.now()
  await fill(storage, waiting, (n) => now + hour + n * 10)
  console.log(
    `${waiting} rows waiting, stored at ${Math.round((waiting / (performance.now() - began)) * 1000)}/s, file ${Math.round(statSync(file).size / 1e6)} MB`,
  )
  await fill(storage, due + due / 10, (n) => now - hour + n)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  console.log(`batches of ${batch}:`, await drain(storage, due, false))
  console.log(`worst event-loop stall ${Math.round(delay.max / 1e6)} ms`)
  console.log('one by one:', await drain(storage, due / 10, true))
  console.log('idle claim, median ms:', await time(() => storage.deliveries.claim({ ...query, limit: batch })))
  console.log('a page of 50, median ms:', await time(() => storage.deliveries.list('tenant-1', { limit: 50 })))
  console.log('counts of a tenant / of all, ms:', await time(() => storage.deliveries.counts('tenant-1'), 3), await time(() => storage.deliveries.counts(), 1))
  await fill(storage, 20_000, () => now - hour)
  const skip = { ...query, limit: batch, skipTenants: Array.from({ length: tenants }, (_, n) => `tenant-${n}`) }
  console.log('claim that passes over 20,000 due rows, median ms:', await time(() => storage.deliveries.claim(skip), 5))
  await storage.close()
} finally {
  rmSync(folder, { recursive: true })
}
