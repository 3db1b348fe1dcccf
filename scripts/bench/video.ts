// Publishes a video of 500 MB from the disk to the sandbox's X, and prints how far the process's resident memory rose above what it was before, in MB.
// Run by itself: the sandbox is a process of its own, started with its address as the argument.

import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSyndikit, generateKey, memoryStorage } from '@syndikit/core'
import { consent, sandboxFetch } from '@syndikit/sandbox'
import { x } from '@syndikit/x'

const megabytes = 500
const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}
const box = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body])
}

/** A minute of nothing, with its header behind the pictures, as cameras write it. */
const writeVideo = (file: string): void => {
  const descriptor = openSync(file, 'w')
  const head = Buffer.concat([box('ftyp', Buffer.from('isom\0\0\x02\0isom', 'latin1')), u32(megabytes * 1_000_000), Buffer.from('mdat')])
  writeSync(descriptor, head)
  const end = head.length - 8 + megabytes * 1_000_000
  ftruncateSync(descriptor, end)
  const zeros = (count: number) => Buffer.alloc(count)
  const handler = box('hdlr', zeros(8), Buffer.from('vide'), zeros(13))
  const matrix = [65_536, 0, 0, 0, 65_536, 0, 0, 0, 0x4000_0000].map(u32)
  const track = box(
    'trak',
    box('tkhd', zeros(40), ...matrix, u32(1280 * 65_536), u32(720 * 65_536)),
    box('mdia', box('mdhd', zeros(24)), handler, box('minf', zeros(100))),
  )
  const moov = box('moov', box('mvhd', u32(0), u32(0), u32(0), u32(1_000), u32(60_000), zeros(80)), track)
  writeSync(descriptor, moov, 0, moov.length, end)
  closeSync(descriptor)
}

const folder = mkdtempSync(join(tmpdir(), 'syndikit-video-'))
try {
  const file = join(folder, 'video.mp4')
  writeVideo(file)
  const fetch = sandboxFetch(process.argv[2] ?? '')
  const adapter = x({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' })
  const syndikit = createSyndikit({ adapters: [adapter], storage: memoryStorage(), keys: generateKey(), fetch, media: { root: folder } })
  const callback = { tenant: 'bench', platform: 'x', redirectUri: 'https://bench.example/callback' } as const
  const { url } = await syndikit.connections.begin(callback)
  const [connection] = await syndikit.connections.complete({ tenant: 'bench', callbackUrl: await consent(fetch, url) })
  const before = process.memoryUsage().rss
  let most = before
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 20)
  const worker = syndikit.start()
  const result = await syndikit.publisher.publish({ tenant: 'bench', content: { text: 'A long one', media: [{ file }] }, to: [connection?.id ?? ''] })
  if (!('publicationId' in result)) throw new Error(`It was not taken in: ${JSON.stringify(result)}`)
  const [delivery] = await syndikit.publisher.wait({ tenant: 'bench', publicationId: result.publicationId, timeoutMs: 280_000 })
  if (delivery?.state !== 'published') throw new Error(`It was not published: ${JSON.stringify(delivery)}`)
  clearInterval(look)
  await worker.stop()
  await syndikit.close()
  console.log((most - before) / 1e6)
} finally {
  rmSync(folder, { recursive: true })
}
