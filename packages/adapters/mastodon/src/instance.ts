// What one server allows. Every operator may change it, so it is read with the account and kept as its facts.

import type { Account, Http, Limits, MediaLimit, MediaType } from '@syndikit/core'
import { PublishError } from '@syndikit/core'
import { z } from 'zod'
import { countCharacters } from './text.ts'

const imageMimes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/heic', 'image/heif', 'image/avif']
const otherMimes = ['video/mp4', 'video/webm', 'video/quicktime', 'audio/mpeg', 'audio/ogg', 'audio/wav', 'audio/flac', 'audio/aac', 'audio/mp4']

/** A server that leaves something out has the usual figure there. */
const orEmpty = <T extends z.ZodType>(schema: T) => z.preprocess((given) => given ?? {}, schema)
const most = (usual: number) => z.number().int().positive().catch(usual)

/** Mastodon's usual figures where a server does not tell (docs.joinmastodon.org/entities/Instance, 2026-07-02). */
const statuses = z.object({ max_characters: most(500), max_media_attachments: most(4), characters_reserved_per_url: most(23) })
const media = z.object({
  // Pleroma names `application/octet-stream` alone.
  supported_mime_types: z
    .array(z.string())
    .refine((mimes) => mimes.some((mime) => /^(image|video|audio)\//.test(mime)))
    .catch([...imageMimes, ...otherMimes]),
  description_limit: most(1_500),
  image_size_limit: most(16_777_216),
  image_matrix_limit: most(33_177_600),
  video_size_limit: most(103_809_024),
  video_matrix_limit: most(8_294_400),
})
const polls = z.object({ max_options: most(4), max_characters_per_option: most(50), min_expiration: most(300), max_expiration: most(2_629_746) })
const configuration = orEmpty(z.object({ statuses: orEmpty(statuses), media_attachments: orEmpty(media), polls: orEmpty(polls) }))

export type Configuration = z.output<typeof configuration>

/** `Account.facts` is what the server answered when the account was last read. */
const facts = orEmpty(z.object({ configuration, version: z.string().optional().catch(undefined) }))
export const configurationOf = (account: Account | undefined): Configuration => facts.parse(account?.facts).configuration

/**
 * Mastodon, and what is built from it, knows an idempotency key for an hour: `4.5.0`, `4.4.2+glitch`. Its relatives call themselves `2.7.2 (compatible; Pleroma …)` or begin
 * with 0, and differ (superseriousbusiness/gotosocial#2723, pixelfed/docs#91).
 */
export const keepsKeys = (account: Account): boolean => /^[1-9]\d*\.\d+\.\d+[^\s(]*$/.test(facts.parse(account.facts).version ?? '')

/** Ids are the server's own, so the account's id names the server too: `109@mastodon.social`. */
export const localId = ({ id }: Pick<Account, 'id'>): string => id.slice(0, id.lastIndexOf('@'))

const person = z.object({ id: z.string(), username: z.string(), url: z.string().nullish() })
const instance = z.object({ domain: z.string().optional(), version: z.string().optional().catch(undefined), configuration })
type Instance = z.output<typeof instance>

/** The everyday slip: the server that a user named is another one. It has not this API, or answers with a page. */
export const fromMastodon = async <T>(server: string, asked: Promise<T>): Promise<T> => {
  try {
    return await asked
  } catch (error) {
    const speaks = !PublishError.is(error) || error.status === undefined || error.status >= 500 || (error.outcome !== 'unknown' && error.code !== 'gone')
    if (speaks) throw error
    throw new PublishError(
      'invalid',
      `Mastodon: ${new URL(server).host} does not answer as a Mastodon server does. Check the address: it is what follows the last @ of an account's whole name, such as "mastodon.social" of "@sara@mastodon.social".`,
      { platform: 'mastodon', status: error.status, cause: error },
    )
  }
}

const unlessMissing = async (asked: Promise<Instance>): Promise<Instance | undefined> => {
  try {
    return await asked
  } catch (error) {
    if (PublishError.is(error) && error.status === 404) return undefined
    throw error
  }
}

/** Servers before 4.0 and some relatives have no v2; v1 has the same configuration from 3.4.2 on. Without either the usual figures hold. */
const readInstance = async (http: Http): Promise<Instance> =>
  (await unlessMissing(http.get('v2/instance', { accept: instance }))) ??
  (await unlessMissing(http.get('v1/instance', { accept: instance }))) ??
  instance.parse({})

export const readAccount = async (http: Http, server: string): Promise<Account> => {
  const { id, username, url } = await fromMastodon(server, http.get('v1/accounts/verify_credentials', { accept: person }))
  const { host } = new URL(server)
  const { domain, version, configuration } = await readInstance(http)
  return { id: `${id}@${host}`, name: `${username}@${domain ?? host}`, ...(url && { url }), server, facts: { configuration, version } }
}

export const limitsOf = (account: Account | undefined): Limits => {
  const { statuses, media_attachments, polls } = configurationOf(account)
  const taken = (type: MediaType, limit: Omit<MediaLimit, 'mimes'>): { readonly [T in MediaType]?: MediaLimit } => {
    const mimes = media_attachments.supported_mime_types.filter((mime) => mime.startsWith(`${type}/`))
    return mimes.length > 0 ? { [type]: { ...limit, mimes } } : {}
  }
  const { image_size_limit, video_size_limit, description_limit } = media_attachments
  return {
    text: {
      text: [
        { max: statuses.max_characters, count: { name: 'Mastodon characters', of: (text) => countCharacters(text, statuses.characters_reserved_per_url) } },
      ],
    },
    parts: 100, // the most that one delivery writes; Mastodon itself has no longest thread
    media: {
      atMost: statuses.max_media_attachments,
      mix: 'one-type',
      alt: { max: description_limit, count: 'code-points' },
      types: {
        ...taken('image', { bytes: image_size_limit }),
        ...taken('video', { atMost: 1, bytes: video_size_limit }),
        ...taken('audio', { atMost: 1, bytes: video_size_limit }),
      },
    },
    poll: {
      options: [2, polls.max_options],
      option: { max: polls.max_characters_per_option, count: 'graphemes' },
      durationMs: [polls.min_expiration * 1_000, polls.max_expiration * 1_000],
      withMedia: false,
    },
    source: account ? `${account.server ?? 'its server'}/api/v2/instance` : 'https://docs.joinmastodon.org/entities/Instance/ (2026-07-02)',
    checkedAt: '2026-11-20',
  }
}
