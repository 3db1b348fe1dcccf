// Writing on an emulated Mastodon server: post, edit, delete (app/services/post_status_service.rb, update_status_service.rb).

import { flag, isParams, list, type Params, paramsOf, text } from './params.ts'
import { takeStatus } from './rates.ts'
import { canSee, statusJson } from './render.ts'
import { invalid, json, notFound, type OwnCall, Refused } from './reply.ts'
import { type Medium, nextId, type Poll, type Status } from './state.ts'
import { countOf, graphemes } from './text.ts'

const keyLifeMs = 3_600_000
const scheduleOffsetMs = 300_000
const pollMs = { least: 300_000, most: 2_629_746_000 }
const visibilities = ['public', 'unlisted', 'private', 'direct'] as const

const viewed = (call: OwnCall) => ({ ...call, viewer: call.as.account.id })

const languageOf = (asked: string | undefined, otherwise: string): string => {
  const code = asked?.split(/[_-]/)[0] ?? ''
  // The real list has some two hundred languages.
  return /^[a-z]{2,3}$/.test(code) ? code : otherwise
}

const mediaFor = ({ stage, server, profile, as }: OwnCall, params: Params, status?: Status): Medium[] => {
  const ids = list(params, 'media_ids')
  const most = profile.limits.media
  // A poll beside media brings the same words.
  if (ids.length > most || (ids.length > 0 && isParams(params.poll))) throw new Refused(422, `Cannot attach more than ${most} files`)
  const free = (medium: Medium) => medium.owner === as.account.id && (medium.status === undefined || medium.status === status?.id)
  const found = ids.flatMap((id) => server.media.find((medium) => medium.id === id && free(medium)) ?? [])
  const missing = ids.filter((id) => !found.some((medium) => medium.id === id))
  if (missing.length > 0) throw new Refused(422, `Media ${missing.join(', ')} not found or already attached to another post`)
  // A GIF counts as a picture here (`audio_or_video?`), although the manual speaks of one at most.
  if (found.length > 1 && found.some(({ kind }) => kind === 'video' || kind === 'audio'))
    throw new Refused(422, 'Cannot attach a video to a post that already contains images')
  if (found.some(({ readyAt, broken }) => readyAt > stage.now() || broken))
    throw new Refused(422, 'Cannot attach files that have not finished processing. Try again in a moment!')
  return [...new Set(found)]
}

// Wording of a status's nested poll errors is unverified; the parts after "Poll options" are Mastodon's.
const pollProblems = ({ profile }: OwnCall, { options }: Poll, lifeMs: number): string[] => {
  const { pollOptions, pollOptionCharacters } = profile.limits
  return [
    options.length < 2 && 'Poll options must have more than one item',
    options.length > pollOptions && `Poll options can't contain more than ${pollOptions} items`,
    options.some((option) => graphemes(option) > pollOptionCharacters) && `Poll options cannot be longer than ${pollOptionCharacters} characters each`,
    new Set(options).size < options.length && 'Poll options contain duplicate items',
    Number.isNaN(lifeMs) && "Poll expires at can't be blank",
    lifeMs > pollMs.most && 'Poll expires at is too far into the future',
    lifeMs < pollMs.least && 'Poll expires at is too soon',
  ].filter((problem) => problem !== false)
}

const pollFor = (call: OwnCall, params: Params): { poll?: Poll; problems: string[] } => {
  if (!isParams(params.poll)) return { problems: [] }
  const lifeMs = Number(text(params.poll, 'expires_in') ?? Number.NaN) * 1000
  const poll: Poll = {
    id: nextId(call.stage),
    options: list(params.poll, 'options')
      .map((option) => option.trim())
      .filter(Boolean),
    expiresAt: call.stage.now() + (Number.isNaN(lifeMs) ? 0 : lifeMs),
    multiple: flag(params.poll, 'multiple') ?? false,
    hideTotals: flag(params.poll, 'hide_totals') ?? false,
  }
  return { poll, problems: pollProblems(call, poll, lifeMs) }
}

const textProblems = ({ profile }: OwnCall, body: string, spoiler: string, media: readonly Medium[]): string[] => [
  ...(body === '' && media.length === 0 ? ["Text can't be blank"] : []),
  ...(countOf(body, spoiler) > profile.limits.characters ? [`Text character limit of ${profile.limits.characters} exceeded`] : []),
]

/** A warning alone becomes the text. */
const wordsOf = (params: Params): { body: string; spoiler: string } => {
  const body = (text(params, 'status') ?? '').trim()
  const spoiler = (text(params, 'spoiler_text') ?? '').trim()
  return body === '' && spoiler !== '' ? { body: spoiler, spoiler: '' } : { body, spoiler }
}

const drafted = (call: OwnCall, params: Params): Status => {
  const { stage, as } = call
  const media = mediaFor(call, params)
  const { body, spoiler } = wordsOf(params)
  const { poll, problems } = pollFor(call, params)
  const visibility = visibilities.find((name) => name === (text(params, 'visibility') || 'public'))
  const wrong = [...textProblems(call, body, spoiler, media), ...problems, ...(visibility ? [] : ['Visibility is not included in the list'])]
  if (wrong.length > 0 || !visibility) throw invalid(...wrong)
  const replyTo = text(params, 'in_reply_to_id')
  return {
    id: nextId(stage),
    author: as.account.id,
    app: as.app.id,
    text: body,
    spoiler,
    sensitive: (flag(params, 'sensitive') ?? false) || (text(params, 'spoiler_text') ?? '') !== '',
    visibility,
    language: languageOf(text(params, 'language'), 'en'),
    media: media.map(({ id }) => id),
    ...(replyTo && { replyTo }),
    ...(poll && { poll }),
    at: stage.now(),
  }
}

const posted = (call: OwnCall, params: Params): Status => {
  const { stage, server, as } = call
  const status = drafted(call, params)
  takeStatus(server, as.account.id, stage.now())
  server.statuses.push(status)
  for (const medium of server.media) if (status.media.includes(medium.id)) medium.status = status.id
  return status
}

/** Enough turns for every request that came at the same time to pass the look at the keys. */
const yieldTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await null
}

const withKey = async (call: OwnCall, params: Params): Promise<Status> => {
  const { stage, server, as, profile } = call
  const key = call.request.headers.get('idempotency-key')
  if (!key) return posted(call, params)
  const name = `${as.account.id}:${key}`
  const held = Object.hasOwn(server.keys, name) ? server.keys[name] : undefined
  if (held && held.at + keyLifeMs > stage.now()) {
    const status = server.statuses.find(({ id }) => id === held.status)
    if (!status) throw notFound()
    return status
  }
  if (!profile.locksKeys) await yieldTurns()
  const status = posted(call, params)
  if (!profile.locksKeys) await yieldTurns()
  server.keys[name] = { status: status.id, at: stage.now() }
  return status
}

const checkThread = (call: OwnCall, params: Params): void => {
  const id = text(params, 'in_reply_to_id')
  if (!id) return
  const parent = call.server.statuses.find((status) => status.id === id)
  if (!parent || !canSee(call, parent, call.as.account.id)) throw new Refused(404, 'The post you are trying to reply to does not appear to exist.')
}

/** Less than five minutes ahead is now; what lies further is left out here. */
const refuseSchedule = ({ stage }: OwnCall, params: Params): void => {
  const at = text(params, 'scheduled_at')
  if (!at) return
  if (Number.isNaN(Date.parse(at))) throw invalid()
  if (Date.parse(at) > stage.now() + scheduleOffsetMs) throw new Refused(501, 'This sandbox does not schedule: send the status when it is due')
}

export const createStatus = async (call: OwnCall): Promise<Response> => {
  const params = await paramsOf(call.request)
  checkThread(call, params)
  refuseSchedule(call, params)
  return json(statusJson(viewed(call), await withKey(call, params)))
}

const own = ({ server, as, path }: OwnCall): Status => {
  const status = server.statuses.find(({ id, author }) => id === path[0] && author === as.account.id)
  if (!status) throw notFound()
  return status
}

const describe = (params: Params, media: readonly Medium[]): boolean => {
  let changed = false
  for (const item of Array.isArray(params.media_attributes) ? params.media_attributes.filter(isParams) : []) {
    const medium = media.find(({ id }) => id === text(item, 'id'))
    const description = text(item, 'description')
    if (!medium || description === undefined || description === medium.description) continue
    medium.description = description
    changed = true
  }
  return changed
}

const shape = ({ text, spoiler, sensitive, language, media, poll }: Status): string =>
  JSON.stringify([text, spoiler, sensitive, language, media, poll?.options, poll?.multiple, poll?.expiresAt])

/** What an edit leaves out is taken away: media, poll, warning. Without a change nothing happens. */
export const updateStatus = async (call: OwnCall): Promise<Response> => {
  const { stage, server } = call
  const params = await paramsOf(call.request)
  const status = own(call)
  const media = mediaFor(call, params, status)
  const { body, spoiler } = wordsOf(params)
  const { poll, problems } = pollFor(call, params)
  const wrong = [...textProblems(call, body, spoiler, media), ...problems]
  if (wrong.length > 0) throw invalid(...wrong)
  const { poll: _, ...rest } = status
  const next: Status = {
    ...rest,
    text: body,
    spoiler,
    sensitive: (flag(params, 'sensitive') ?? false) || (text(params, 'spoiler_text') ?? '') !== '',
    language: languageOf(text(params, 'language'), status.language),
    media: media.map(({ id }) => id),
    ...(poll && { poll: { ...poll, id: status.poll?.id ?? poll.id } }),
  }
  const redescribed = describe(params, media)
  if (shape(next) !== shape(status) || redescribed) {
    server.statuses[server.statuses.indexOf(status)] = { ...next, editedAt: stage.now() }
    for (const medium of media) medium.status = status.id
  }
  return json(statusJson(viewed(call), own(call)))
}

/** Files stay for a new draft, unless `delete_media` is set. */
export const deleteStatus = async (call: OwnCall): Promise<Response> => {
  const { server } = call
  const status = own(call)
  const body = statusJson(viewed(call), status, true)
  server.statuses.splice(server.statuses.indexOf(status), 1)
  const drop = flag(await paramsOf(call.request), 'delete_media') ?? false
  for (const medium of server.media.filter((medium) => medium.status === status.id)) {
    if (drop) server.media.splice(server.media.indexOf(medium), 1)
    else delete medium.status
  }
  return json(body)
}
