// Uploads to the emulated X: one shot, in pieces, processing, alt text (platforms-major 1.3, 1.4).

import { blank, bodyOf, type Call, invalid, json, missing, Refused } from './reply.ts'
import { type Schema, schemaFaults } from './schema.ts'
import { type Medium, nextId, type XStage } from './state.ts'

const sessionLifeSeconds = 1_295_999
const mediaLifeSeconds = 86_400
// Invented: long enough that nobody gets away without asking for the status.
const processingMs = 5_000
const pendingMs = 1_000
const mb = 1024 * 1024
const maxBytes = { photo: 5 * mb, gif: 15 * mb, video: 512 * mb, subtitles: mb } as const
export type Kind = keyof typeof maxBytes

const oneShotCategories = ['tweet_image', 'tweet_video', 'tweet_gif', 'dm_image', 'dm_video', 'dm_gif', 'subtitles'] as const
const categories = ['amplify_video', ...oneShotCategories] as const
const mediaTypes =
  'video/mp4 video/webm video/mp2t video/quicktime text/srt text/vtt image/jpeg image/gif image/bmp image/png image/webp image/pjpeg image/tiff model/gltf-binary model/vnd.usdz+zip'.split(
    ' ',
  )

export const kindOf = ({ category }: Pick<Medium, 'category'>): Kind => {
  if (category.endsWith('_image')) return 'photo'
  if (category.endsWith('_gif')) return 'gif'
  return category.endsWith('_video') ? 'video' : 'subtitles'
}
const keyPrefix = { photo: '3', gif: '16', video: '13', subtitles: '9' } as const
export const mediaKey = (medium: Medium): string => `${keyPrefix[kindOf(medium)]}_${medium.id}`

/** Fit for a post of `owner` now: whole, processed, in time. */
export const isUsable = (medium: Medium, owner: string, now: number): boolean =>
  medium.owner === owner &&
  medium.expiresAt > now &&
  medium.file !== undefined &&
  !medium.file.broken &&
  medium.file.readyAt <= now &&
  medium.category.startsWith('dm_') === false &&
  kindOf(medium) !== 'subtitles'

const magic: readonly (readonly [mime: string, test: (head: Buffer) => boolean])[] = [
  ['image/png', (head) => head.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))],
  ['image/jpeg', (head) => head.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))],
  ['image/gif', (head) => head.subarray(0, 4).toString('latin1') === 'GIF8'],
  ['image/webp', (head) => head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP'],
  ['video/quicktime', (head) => head.subarray(4, 10).toString('latin1') === 'ftypqt'],
  ['video/mp4', (head) => head.subarray(4, 8).toString('latin1') === 'ftyp'],
  ['video/webm', (head) => head.subarray(0, 4).equals(Buffer.from('1a45dfa3', 'hex'))],
]
const sniffed = (head: Uint8Array): string | undefined => magic.find(([, test]) => test(Buffer.from(head)))?.[0]

const fits = (kind: Kind, mime: string | undefined): boolean => {
  if (kind === 'photo') return mime?.startsWith('image/') ?? false
  if (kind === 'gif') return mime === 'image/gif' || mime === 'video/mp4'
  return kind === 'subtitles' || (mime?.startsWith('video/') ?? false)
}

interface Piece {
  fields: Record<string, unknown>
  media?: Blob
}

const fromBase64 = (text: unknown): Blob | undefined =>
  typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? new Blob([Buffer.from(text, 'base64')]) : undefined

/** Both encodings that the specification names: multipart with raw bytes, JSON with base64. */
const pieceOf = async (request: Request): Promise<Piece> => {
  if (!request.headers.get('content-type')?.startsWith('multipart/form-data')) {
    const { media, ...fields } = await bodyOf(request)
    const blob = fromBase64(media)
    return { fields, ...(blob && { media: blob }) }
  }
  const form = await request.formData().catch(() => undefined)
  if (!form) throw new Refused(invalid({ message: 'The multipart body could not be read.', parameters: {} }))
  const { media, ...fields } = Object.fromEntries(form)
  const blob = media instanceof Blob ? media : fromBase64(media)
  return { fields, ...(blob && { media: blob }) }
}

const check = (fields: unknown, schema: Schema): void => {
  const faults = schemaFaults(fields, schema)
  if (faults.length > 0) throw new Refused(invalid(...faults))
}

const headOf = async (media: Blob): Promise<Buffer> => Buffer.from(await media.slice(0, 16).arrayBuffer())

const needMedia = ({ media }: Piece): Blob => {
  if (!media || media.size === 0) throw new Refused(invalid({ message: '$.media: is missing but it is required', parameters: {} }))
  return media
}

const own = ({ stage, account }: Call, id: string): Medium => {
  const medium = Object.hasOwn(stage.state.media, id) ? stage.state.media[id] : undefined
  if (!medium || medium.owner !== account.id || medium.expiresAt <= stage.now()) throw new Refused(missing('media', id))
  return medium
}

const processing = ({ file, category }: Medium, now: number): object => {
  if (!file || kindOf({ category }) === 'photo' || kindOf({ category }) === 'subtitles') return {}
  if (file.readyAt > now) {
    const share = Math.floor(((now - file.finalizedAt) / processingMs) * 100)
    if (now - file.finalizedAt < pendingMs) return { processing_info: { state: 'pending', check_after_secs: 1 } }
    return { processing_info: { state: 'in_progress', check_after_secs: 2, progress_percent: Math.min(99, Math.max(1, share)) } }
  }
  return { processing_info: { state: file.broken ? 'failed' : 'succeeded', progress_percent: 100 } }
}

const described = (medium: Medium, now: number): object => ({
  id: medium.id,
  media_key: mediaKey(medium),
  size: medium.size,
  expires_after_secs: Math.max(0, Math.floor((medium.expiresAt - now) / 1000)),
  ...processing(medium, now),
})

const opened = ({ stage, account }: Call, category: string, mime: string, size: number): Medium => {
  const id = nextId(stage)
  const medium: Medium = { id, owner: account.id, category, mime, size, segments: {}, expiresAt: stage.now() + sessionLifeSeconds * 1000 }
  stage.state.media[id] = medium
  return medium
}

const finished = (medium: Medium, key: string, head: Uint8Array, now: number): void => {
  const mime = sniffed(head)
  const kind = kindOf(medium)
  const slow = kind === 'video' || kind === 'gif'
  medium.mime = mime ?? medium.mime
  medium.file = { key, finalizedAt: now, readyAt: now + (slow ? processingMs : 0), broken: !fits(kind, mime) }
  medium.expiresAt = now + mediaLifeSeconds * 1000
}

const refuseSize = (kind: Kind, size: number): void => {
  // Wording of API 1.1; unverified for API 2.
  if (size > maxBytes[kind]) throw new Refused(blank(400, `File size exceeds ${maxBytes[kind]} bytes.`))
}

/** A photo is looked at at once; a video fails later, in its processing. */
const refuseBroken = (medium: Medium, { state }: XStage): void => {
  if (!medium.file?.broken || kindOf(medium) !== 'photo') return
  delete state.media[medium.id]
  throw new Refused(blank(400, 'media type unrecognized.'))
}

export const uploadAtOnce = async (call: Call): Promise<Response> => {
  const { stage } = call
  const piece = await pieceOf(call.request)
  const text: Schema = { type: 'string' }
  const schema = { media_category: { ...text, enum: oneShotCategories }, media_type: text, additional_owners: text, shared: text }
  check(piece.fields, { type: 'object', required: ['media_category'], properties: schema })
  const media = needMedia(piece)
  const category = String(piece.fields.media_category)
  refuseSize(kindOf({ category }), media.size)
  const head = await headOf(media)
  const { key, bytes } = await stage.keepStream(media.stream())
  const medium = opened(call, category, media.type || 'application/octet-stream', bytes)
  finished(medium, key, head, stage.now())
  refuseBroken(medium, stage)
  return json({ data: described(medium, stage.now()) })
}

export const initializeUpload = async (call: Call): Promise<Response> => {
  const body = await bodyOf(call.request)
  check(body, {
    type: 'object',
    // The specification requires none of them; without them there is nothing to upload.
    required: ['media_category', 'media_type', 'total_bytes'],
    properties: {
      media_category: { type: 'string', enum: categories },
      media_type: { type: 'string', enum: mediaTypes },
      total_bytes: { type: 'integer', minimum: 0, maximum: 17_179_869_184 },
      additional_owners: { type: 'array', items: { type: 'string', pattern: /^[0-9]{1,19}$/ } },
      shared: { type: 'boolean' },
    },
  })
  refuseSize(kindOf({ category: String(body.media_category) }), Number(body.total_bytes))
  const medium = opened(call, String(body.media_category), String(body.media_type), Number(body.total_bytes))
  return json({ data: { id: medium.id, media_key: mediaKey(medium), expires_after_secs: sessionLifeSeconds } })
}

export const appendSegment = async (call: Call): Promise<Response> => {
  const piece = await pieceOf(call.request)
  const index = Number(piece.fields.segment_index ?? Number.NaN)
  const media = needMedia(piece)
  check({ segment_index: index }, { type: 'object', properties: { segment_index: { type: 'integer', minimum: 0, maximum: 999 } } })
  const medium = own(call, call.path[0] ?? '')
  if (medium.file) throw new Refused(blank(400, 'The upload is finalized already.'))
  if (index === 0) medium.head = (await headOf(media)).toString('hex')
  medium.segments[index] = await call.stage.keepStream(media.stream())
  return json({ data: { expires_at: Math.floor(medium.expiresAt / 1000) } })
}

async function* piecesOf(stage: XStage, keys: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const key of keys) yield stage.blob(key) ?? new Uint8Array()
}

/** Pieces too large to keep cannot be put together; the first then stands for the file, which nobody can look at either. */
const joined = async (stage: XStage, keys: readonly string[]): Promise<string> =>
  keys.every((key) => stage.blob(key)) ? (await stage.keepStream(piecesOf(stage, keys))).key : (keys[0] ?? '')

export const finalizeUpload = async (call: Call): Promise<Response> => {
  const { stage } = call
  const medium = own(call, call.path[0] ?? '')
  if (!medium.file) {
    const segments = Object.entries(medium.segments).sort(([a], [b]) => Number(a) - Number(b))
    const size = segments.reduce((sum, [, { bytes }]) => sum + bytes, 0)
    // Wording of API 1.1; unverified for API 2.
    if (size !== medium.size || segments.some(([index], i) => Number(index) !== i))
      throw new Refused(blank(400, 'Segments do not add up to provided total file size.'))
    const keys = segments.map(([, { key }]) => key)
    finished(medium, await joined(stage, keys), Buffer.from(medium.head ?? '', 'hex'), stage.now())
    refuseBroken(medium, stage)
  }
  return json({ data: described(medium, stage.now()) })
}

export const uploadStatus = (call: Call): Response => {
  const query = call.url.searchParams
  if ((query.get('command') ?? 'STATUS') !== 'STATUS')
    throw new Refused(
      invalid({ message: 'The `command` query parameter value is not one of [STATUS].', parameters: { command: [query.get('command') ?? ''] } }),
    )
  return json({ data: described(own(call, query.get('media_id') ?? ''), call.stage.now()) })
}

export const describeMedia = async (call: Call): Promise<Response> => {
  const body = await bodyOf(call.request)
  check(body, {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string', pattern: /^[0-9]{1,19}$/ },
      metadata: {
        type: 'object',
        open: true,
        properties: { alt_text: { type: 'object', required: ['text'], properties: { text: { type: 'string', maxLength: 1000 } } } },
      },
    },
  })
  const medium = own(call, String(body.id))
  // X's pages describe pictures and GIFs only; what it answers to a video's is unverified.
  if (kindOf(medium) !== 'photo' && kindOf(medium) !== 'gif')
    throw new Refused(invalid({ message: '$.metadata.alt_text: is for images and GIFs only', parameters: {} }))
  const { alt_text } = (body.metadata ?? {}) as { alt_text?: { text: string } }
  if (alt_text) medium.alt = alt_text.text
  return json({ data: { id: medium.id, associated_metadata: { ...(medium.alt !== undefined && { alt_text: { text: medium.alt } }) } } })
}
