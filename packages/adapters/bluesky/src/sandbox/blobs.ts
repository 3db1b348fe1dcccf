// Blobs of the emulated Bluesky: upload, what a record may refer to, and what nobody refers to any more (A1, blob upload).

import { cidOfBlob } from './ids.ts'
import type { Meter } from './rates.ts'
import { perUpload } from './rates.ts'
import { invalid, isFields, json, type OwnCall, Refused, uncaught } from './reply.ts'
import type { Blob, BlueskyStage, Json, State } from './state.ts'

// The hosted service; a server of one's own takes 5 MB by default.
const maxBytes = 50_000_000
// Unverified: the specification speaks of "a time window", minutes for example.
const unreferencedLifeMs = 3_600_000

export const refOf = ({ cid, mime, size }: Blob) => ({ $type: 'blob', ref: { $link: cid }, mimeType: mime, size })

interface Reference {
  cid: string
  mime: Json | undefined
  size: Json | undefined
}
const referencesIn = (value: Json): Reference[] => {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (!isFields(value)) return []
  if (value.$type === 'blob' && isFields(value.ref)) return [{ cid: String(value.ref.$link), mime: value.mimeType, size: value.size }]
  return Object.values(value).flatMap(referencesIn)
}

const linksIn = (value: Json): string[] => referencesIn(value).map(({ cid }) => cid)

const isReferenced = (state: State, { did, cid }: Blob): boolean => state.entries.some((entry) => entry.did === did && linksIn(entry.value).includes(cid))

/** Lets go of what is unreferenced for too long. */
export const sweep = ({ state, now }: BlueskyStage): void => {
  state.blobs = state.blobs.filter((blob) => blob.at + unreferencedLifeMs > now() || isReferenced(state, blob))
}

/** A record that went takes along the blobs that no other record of its account has. */
export const dropBlobsOf = (state: State, did: string, value: Json): void => {
  const links = new Set(linksIn(value))
  state.blobs = state.blobs.filter((blob) => blob.did !== did || !links.has(blob.cid) || isReferenced(state, blob))
}

export const findBlob = (state: State, did: string, cid: string): Blob | undefined => state.blobs.find((blob) => blob.did === did && blob.cid === cid)

/** Every blob of a record was uploaded by its account, and is what the record says it is. */
export const checkBlobs = (state: State, did: string, value: Json): void => {
  for (const { cid, mime, size } of referencesIn(value)) {
    const blob = findBlob(state, did, cid)
    if (!blob) throw new Refused(400, 'BlobNotFound', `Could not find blob: ${cid}`)
    if (mime !== blob.mime)
      throw new Refused(400, 'InvalidMimeType', `Referenced Mimetype does not match stored blob. Expected: ${blob.mime}, Got: ${String(mime)}`)
    if (size !== blob.size) throw new Refused(400, 'InvalidSize', `Referenced Size does not match stored blob. Expected: ${blob.size}, Got: ${String(size)}`)
  }
}

const magic: readonly (readonly [mime: string, test: (head: Buffer) => boolean])[] = [
  ['image/png', (head) => head.subarray(0, 8).toString('hex') === '89504e470d0a1a0a'],
  ['image/jpeg', (head) => head.subarray(0, 3).toString('hex') === 'ffd8ff'],
  ['image/gif', (head) => head.subarray(0, 4).toString('latin1') === 'GIF8'],
  ['image/webp', (head) => head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP'],
  ['video/quicktime', (head) => head.subarray(4, 10).toString('latin1') === 'ftypqt'],
  ['video/mp4', (head) => head.subarray(4, 8).toString('latin1') === 'ftyp'],
  ['video/webm', (head) => head.subarray(0, 4).toString('hex') === '1a45dfa3'],
]
const sniffed = (head: Buffer): string | undefined => magic.find(([, test]) => test(head))?.[0]

export interface Received {
  key: string
  size: number
  head: Buffer
}

/** Keeps a body however large it is, and remembers how it begins. */
export const receive = async (stage: BlueskyStage, request: Request): Promise<Received> => {
  if (!request.body) throw invalid('A request body is expected but none was provided')
  const first: Uint8Array[] = []
  let seen = 0
  const body: AsyncIterable<Uint8Array> = request.body
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      if (seen < 64) first.push(piece.subarray(0, 64))
      seen += piece.length
      yield piece
    }
  }
  const { key, bytes } = await stage.keepStream(watched())
  return { key, size: bytes, head: Buffer.concat(first).subarray(0, 64) }
}

/** What a received body is as a blob; not stored yet. The server believes the bytes more than the header. */
export const blobOf = (stage: BlueskyStage, did: string, { key, size, head }: Received, given: string): Blob => ({
  did,
  cid: cidOfBlob(key),
  key,
  mime: sniffed(head) ?? given,
  size,
  at: stage.now(),
})

const stored = (state: State, blob: Blob): Blob => {
  const known = findBlob(state, blob.did, blob.cid)
  if (!known) state.blobs.push(blob)
  else known.at = blob.at
  return known ?? blob
}

/** Looks at the picture as the server's image library does; measured: a corrupt one is a 500. */
const refuseCorrupt = ({ head }: Received): void => {
  if (sniffed(head) === 'image/png' && head.subarray(12, 16).toString('latin1') !== 'IHDR') throw uncaught()
}

export const uploadBlob = async ({ stage, request, account }: OwnCall, meter: Meter): Promise<Response> => {
  meter.use(...perUpload(account.did))
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const tooLarge = () => new Refused(413, 'PayloadTooLarge', 'request entity too large')
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge()
  const received = await receive(stage, request)
  if (received.size === 0) throw invalid('A request body is expected but none was provided')
  if (!type) throw invalid('Request encoding (Content-Type) required but not provided')
  if (received.size > maxBytes) throw tooLarge()
  refuseCorrupt(received)
  return json({ blob: refOf(stored(stage.state, blobOf(stage, account.did, received, type))) })
}
