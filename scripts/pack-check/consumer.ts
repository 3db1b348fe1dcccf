// What a user of the published packages might write; scripts/pack-check.ts compiles and runs it outside the workspace.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bluesky } from '@syndikit/bluesky'
import { sandbox as emulator } from '@syndikit/bluesky/sandbox'
import { createSyndikit, generateKey } from '@syndikit/core'
import { createSandbox } from '@syndikit/sandbox'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { x } from '@syndikit/x'

const folder = mkdtempSync(join(tmpdir(), 'syndikit-consumer-'))
const sandbox = createSandbox({ platforms: [emulator] })
const syndikit = createSyndikit({
  adapters: [bluesky(), x({ clientId: 'client' })],
  storage: sqliteStorage(join(folder, 'syndikit.db')),
  keys: generateKey(),
  fetch: (request) => sandbox.fetch(request),
})

const tenant = 'tenant'
const fields = { identifier: 'sandbox-sara.bsky.social', appPassword: 'sand-boxx-pass-0001' }
const [connection] = await syndikit.connections.open({ tenant, platform: 'bluesky', fields })
ok(connection)
const to = [connection.id]

// Never called: what a compiler has to refuse.
export const refusedByTheCompiler = () => [
  // @ts-expect-error: no adapter of this name was given
  syndikit.publisher.check({ tenant, to, content: { text: 'Hello' }, variants: { mastodon: { text: 'Hello' } } }),
  // @ts-expect-error: an option that X does not have
  syndikit.publisher.check({ tenant, to, content: { text: 'Hello' }, variants: { x: { options: { visibility: 'public' } } } }),
  // @ts-expect-error: a post has no title
  syndikit.publisher.check({ tenant, to, content: { title: 'Hello' } }),
  // @ts-expect-error: a schedule without a time
  syndikit.scheduler.schedule({ tenant, to, content: { text: 'Hello' } }),
]

const tooLong = await syndikit.publisher.check({ tenant, to, content: { text: 'x'.repeat(301) } })
deepStrictEqual([tooLong[0]?.code, tooLong[0]?.actual, tooLong[0]?.limit], ['text-too-long', 301, 300])

const worker = syndikit.start()
const result = await syndikit.publisher.publish({
  tenant,
  to,
  content: { text: 'Hello' },
  variants: { bluesky: { text: 'Hello, sky' } },
  idempotencyKey: 'once',
})
ok(result.status === 'scheduled', result.status)
const [delivery] = await syndikit.publisher.wait({ tenant, publicationId: result.publicationId })
strictEqual(delivery?.state, 'published', delivery?.reason?.message)
deepStrictEqual(
  sandbox.visible().map(({ id, text }) => ({ id, text })),
  [{ id: delivery.placement?.id, text: 'Hello, sky' }],
)
await worker.stop()
await syndikit.close()
await sandbox.close()
rmSync(folder, { recursive: true })
console.log(`published once: ${delivery.placement?.url}`)
