// Media of an emulated Mastodon server: upload, processing, description (A2, media; app/controllers/api/v2/media_controller.rb).

import { paramsOf, text } from './params.ts'
import { mediumJson } from './render.ts'
import { invalid, json, notFound, type OwnCall, Refused } from './reply.ts'
import { type Medium, nextId } from './state.ts'

// Invented: long enough that nobody gets away without asking.
const processingMs = 5_000

export const mimeTypes =
  'image/jpeg image/png image/gif image/heic image/heif image/webp image/avif video/webm video/mp4 video/quicktime video/ogg audio/wave audio/wav audio/x-wav audio/x-pn-wave audio/vnd.wave audio/ogg audio/vorbis audio/mpeg audio/mp3 audio/webm audio/flac audio/aac audio/m4a audio/x-m4a audio/mp4 audio/3gpp video/x-ms-asf'.split(
    ' ',
  )

const magic: readonly (readonly [mime: string, test: (head: Buffer) => boolean])[] = [
  ['image/png', (head) => head.subarray(0, 8).toString('hex') === '89504e470d0a1a0a'],
  ['image/jpeg', (head) => head.subarray(0, 3).toString('hex') === 'ffd8ff'],
  ['image/gif', (head) => head.subarray(0, 4).toString('latin1') === 'GIF8'],
  ['image/webp', (head) => head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP'],
  ['image/avif', (head) => /^ftypavi[fs]$/.test(head.subarray(4, 12).toString('latin1'))],
  ['image/heic', (head) => /^ftyp(hei[cx]|mif1)$/.test(head.subarray(4, 12).toString('latin1'))],
  ['video/quicktime', (head) => head.subarray(4, 10).toString('latin1') === 'ftypqt'],
  ['audio/mp4', (head) => head.subarray(4, 11).toString('latin1') === 'ftypM4A'],
  ['video/mp4', (head) => head.subarray(4, 8).toString('latin1') === 'ftyp'],
  ['video/webm', (head) => head.subarray(0, 4).toString('hex') === '1a45dfa3'],
  ['audio/mpeg', (head) => head.subarray(0, 3).toString('latin1') === 'ID3' || head.subarray(0, 2).toString('hex') === 'fffb'],
  ['audio/ogg', (head) => head.subarray(0, 4).toString('latin1') === 'OggS'],
  ['audio/flac', (head) => head.subarray(0, 4).toString('latin1') === 'fLaC'],
]

const kindOf = (mime: string): Medium['kind'] => {
  if (mime === 'image/gif') return 'gifv'
  if (mime.startsWith('image/')) return 'image'
  return mime.startsWith('audio/') ? 'audio' : 'video'
}

const checkedDescription = ({ profile }: OwnCall, description: string | undefined): string | null => {
  if (description === undefined || description.trim() === '') return null
  const { description: most } = profile.limits
  if ([...description.trim()].length > most) throw invalid(`Description is too long (maximum is ${most} characters)`)
  return description.trim()
}

export const uploadMedia = async (call: OwnCall): Promise<Response> => {
  const { stage, server, profile, as } = call
  const params = await paramsOf(call.request)
  const file = params.file
  if (!(file instanceof Blob)) throw invalid("File can't be blank")
  const head = Buffer.from(await file.slice(0, 16).arrayBuffer())
  const mime = magic.find(([, test]) => test(head))?.[0]
  const claimed = file.type.split(';')[0] ?? ''
  // A picture is opened at once; what claims to be sound or film fails later, in its processing.
  const slow = /^(video|audio)\//.test(mime ?? claimed) || mime === 'image/gif'
  if (!mimeTypes.includes(mime ?? claimed) || (mime === undefined && !slow)) throw invalid('File content type is invalid', 'File is invalid')
  const most = (mime ?? claimed).startsWith('image/') ? profile.limits.imageBytes : profile.limits.videoBytes
  // Unverified wording.
  if (file.size > most) throw invalid(`File file size must be less than ${most / 1024 / 1024} MB`)
  const medium: Medium = {
    id: nextId(stage),
    owner: as.account.id,
    kind: kindOf(mime ?? claimed),
    mime: mime ?? claimed,
    description: checkedDescription(call, text(params, 'description')),
    key: (await stage.keepStream(file.stream())).key,
    readyAt: stage.now() + (slow ? processingMs : 0),
    broken: mime === undefined,
  }
  server.media.push(medium)
  return json(mediumJson(call, medium), slow ? 202 : 200)
}

/** One's own, and on no status yet: the server looks for no other. */
const unattached = ({ server, as, path }: OwnCall): Medium => {
  const medium = server.media.find(({ id, owner, status }) => id === path[0] && owner === as.account.id && status === undefined)
  if (!medium) throw notFound()
  return medium
}

const refuseBroken = ({ stage }: OwnCall, medium: Medium): void => {
  if (medium.broken && medium.readyAt <= stage.now()) throw new Refused(422, 'Error processing thumbnail for uploaded media')
}

const answered = (call: OwnCall, medium: Medium): Response => json(mediumJson(call, medium), medium.readyAt > call.stage.now() ? 206 : 200)

export const showMedia = (call: OwnCall): Response => {
  const medium = unattached(call)
  refuseBroken(call, medium)
  return answered(call, medium)
}

export const updateMedia = async (call: OwnCall): Promise<Response> => {
  const medium = unattached(call)
  refuseBroken(call, medium)
  const params = await paramsOf(call.request)
  if (params.description !== undefined) medium.description = checkedDescription(call, text(params, 'description'))
  return answered(call, medium)
}
