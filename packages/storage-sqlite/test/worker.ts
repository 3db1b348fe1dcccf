// A process of its own: claims, saves and settles on one file until nothing is left, and tells what it did and how long it stood still.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { sqliteStorage } from '@syndikit/storage-sqlite'

const [file = '', leaseMs = '60000'] = process.argv.slice(2)
const storage = sqliteStorage(file)
await storage.open('suite')
const delay = monitorEventLoopDelay({ resolution: 1 })
const claimed: string[] = []
const stale: string[] = []
console.log('ready')
delay.enable()
for (;;) {
  const { claims } = await storage.deliveries.claim({
    limit: 20,
    leaseMs: Number(leaseMs),
    skipTenants: [],
    skipConnections: [],
    perTenant: 1000,
    perConnection: 1000,
  })
  if (claims.length === 0) {
    const { scheduled, running } = await storage.deliveries.counts()
    if (scheduled + running === 0) break
    await setTimeout(10)
    continue
  }
  claimed.push(...claims.map(({ id, fence }) => `${id} ${fence}`))
  const saved = claims.map(({ id, fence }) => ({ id, fence, steps: '{"s":1}', marker: '{"m":1}' }))
  await storage.deliveries.save(saved)
  const written = await storage.deliveries.settle(
    saved.map((row) => ({
      ...row,
      to: 'published' as const,
      nextAt: null,
      tries: 1,
      result: '{}',
      attempt: { id: `attempt-${row.id}-${row.fence}`, data: '{}' },
      event: { type: 'delivery:published', data: '{}' },
      placements: [`post-${row.id}`],
    })),
  )
  stale.push(...saved.filter((_, n) => written[n] === 'stale').map(({ id, fence }) => `${id} ${fence}`))
}
console.log(JSON.stringify({ claimed, stale, stallMs: Math.round(delay.max / 1e6) }))
await storage.close()
