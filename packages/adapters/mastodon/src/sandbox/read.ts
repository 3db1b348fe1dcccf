// Reading an emulated Mastodon server: the instance, who am I, statuses.

import { mimeTypes } from './media.ts'
import { flag, list, paramsOf, text } from './params.ts'
import { accountJson, canSee, statusJson } from './render.ts'
import { type Call, json, notFound, type OwnCall, Refused } from './reply.ts'
import type { Status } from './state.ts'

export const showInstance = ({ host, profile }: Call): Response => {
  const { limits } = profile
  return json({
    domain: host,
    title: profile.title,
    version: profile.version,
    source_url: 'https://github.com/mastodon/mastodon',
    description: 'A server of the sandbox.',
    usage: { users: { active_month: 2 } },
    thumbnail: { url: `https://${host}/preview.png` },
    languages: ['en', 'ar'],
    configuration: {
      urls: { streaming: `wss://streaming.${host}` },
      accounts: { max_featured_tags: 10, max_pinned_statuses: 5 },
      statuses: { max_characters: limits.characters, max_media_attachments: limits.media, characters_reserved_per_url: 23 },
      media_attachments: {
        supported_mime_types: mimeTypes,
        description_limit: limits.description,
        image_size_limit: limits.imageBytes,
        image_matrix_limit: 33_177_600,
        video_size_limit: limits.videoBytes,
        video_frame_rate_limit: 120,
        video_matrix_limit: 8_294_400,
      },
      polls: { max_options: limits.pollOptions, max_characters_per_option: limits.pollOptionCharacters, min_expiration: 300, max_expiration: 2_629_746 },
      translation: { enabled: false },
    },
    registrations: { enabled: false, approval_required: false, message: null },
    api_versions: { mastodon: profile.userinfo ? 7 : 2 },
    rules: [],
  })
}

export const verifyCredentials = (call: OwnCall): Response => {
  const { account } = call.as
  const source = { privacy: 'public', sensitive: false, language: null, note: '', fields: [], follow_requests_count: 0 }
  return json({ ...accountJson(call, account), source })
}

export const userInfo = ({ host, profile, as }: OwnCall): Response => {
  if (!profile.userinfo) throw notFound()
  const { username, displayName } = as.account
  return json({
    iss: `https://${host}/`,
    sub: `https://${host}/users/${username}`,
    name: displayName,
    preferred_username: username,
    profile: `https://${host}/@${username}`,
  })
}

const viewerOf = ({ as }: Call): string | undefined => as?.account.id

const visible = (call: Call): Status => {
  const status = call.server.statuses.find(({ id }) => id === call.path[0])
  if (!status || !canSee(call, status, viewerOf(call))) throw notFound()
  return status
}

export const showStatus = (call: Call): Response => json(statusJson({ ...call, viewer: viewerOf(call) }, visible(call)))

export const showStatuses = async (call: Call): Promise<Response> => {
  const ids = list(await paramsOf(call.request), 'id')
  if (ids.length > 20) throw new Refused(422, 'Mastodon::ValidationError')
  const statuses = ids.flatMap((id) => call.server.statuses.find((status) => status.id === id && canSee(call, status, viewerOf(call))) ?? [])
  return json(statuses.map((status) => statusJson({ ...call, viewer: viewerOf(call) }, status)))
}

export const showSource = (call: OwnCall): Response => {
  const status = visible(call)
  if (status.author !== call.as.account.id) throw new Refused(403, 'This action is not allowed')
  return json({ id: status.id, text: status.text, spoiler_text: status.spoiler })
}

const asId = (value: string | undefined): bigint | undefined => (value && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined)

/** `min_id`: the ones right after it; `since_id`: the newest that are after it. Both come newest first. */
export const accountStatuses = async (call: Call): Promise<Response> => {
  const { server, path, host, url } = call
  const account = server.accounts.find(({ id }) => id === path[0])
  if (!account) throw notFound()
  const params = await paramsOf(call.request)
  const asked = Math.abs(Number.parseInt(text(params, 'limit') ?? '', 10))
  const limit = Math.min(Number.isNaN(asked) ? 20 : asked, 40)
  const [min, since, max] = ['min_id', 'since_id', 'max_id'].map((name) => asId(text(params, name)))
  const all = server.statuses
    .filter((status) => status.author === account.id && canSee(call, status, viewerOf(call)))
    .filter((status) => !(flag(params, 'exclude_replies') && status.replyTo !== undefined))
    .filter((status) => !(flag(params, 'only_media') && status.media.length === 0))
    .filter(({ id }) => (max === undefined || BigInt(id) < max) && BigInt(id) > (min ?? since ?? -1n))
  const found = min === undefined ? all.toReversed().slice(0, limit) : all.slice(0, limit).toReversed()
  const reply = json(found.map((status) => statusJson({ ...call, viewer: viewerOf(call) }, status)))
  const [newest, oldest] = [found[0], found.at(-1)]
  if (!newest || !oldest) return reply
  const link = (name: string, id: string, rel: string) => `<https://${host}${url.pathname}?limit=${limit}&${name}=${id}>; rel="${rel}"`
  reply.headers.set('link', [...(found.length === limit ? [link('max_id', oldest.id, 'next')] : []), link('min_id', newest.id, 'prev')].join(', '))
  return reply
}
