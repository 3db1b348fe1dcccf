// An emulator of Bluesky: sessions, repositories, blobs, the video service, the AppView's numbers. Written from the lexicons and the
// reference server, not from the adapter beside it.
//
// There is no consent page: people make an app password in their settings and type it in. The app password of both accounts is
// `sand-boxx-pass-0001`; after each `act('revoke')` the next number is. Log in at bsky.social; the DID document in the answer names the
// server where the account lives, which both hosts answer for.
//
// Left out: the OAuth profile (PAR, DPoP), feeds and timelines, likes and follows, the firehose, multipart video uploads, plc.directory.

import type { Emulator, Sandbox } from '@syndikit/sandbox'
import { uploadBlob } from './sandbox/blobs.ts'
import { headersOf, Meter, perAddress, tooMany } from './sandbox/rates.ts'
import { type Call, json, type OwnCall, Refused, uncaught } from './sandbox/reply.ts'
import { applyWrites, createRecord, deleteRecord, getRecord, listRecords, putRecord } from './sandbox/repo.ts'
import { callerOf, createSession, deleteSession, getServiceAuth, getSession, refreshSession, resolveHandle } from './sandbox/session.ts'
import { accounts, appView, type BlueskyStage, entryway, initial, pdsDid, pdsHost, type State, videoHost } from './sandbox/state.ts'
import { getJobStatus, getUploadLimits, settleJobs, uploadVideo } from './sandbox/video.ts'
import { getPosts, getProfile, shown } from './sandbox/views.ts'

type Answer<C> = (call: C, meter: Meter) => Response | Promise<Response>
interface Open {
  readonly method: 'GET' | 'POST'
  readonly hosts: readonly string[]
  readonly open: Answer<Call>
}
interface Own {
  readonly method: 'GET' | 'POST'
  readonly hosts: readonly string[]
  readonly own: Answer<OwnCall>
}

const home = [entryway, pdsHost]
const get = (open: Answer<Call>, hosts: readonly string[] = home): Open => ({ method: 'GET', hosts, open })
const post = (open: Answer<Call>, hosts: readonly string[] = home): Open => ({ method: 'POST', hosts, open })
const ownGet = (own: Answer<OwnCall>): Own => ({ method: 'GET', hosts: home, own })
const ownPost = (own: Answer<OwnCall>): Own => ({ method: 'POST', hosts: home, own })

const describeServer = (): Response => json({ did: pdsDid, availableUserDomains: ['.bsky.social'], inviteCodeRequired: false, links: {}, contact: {} })

const methods: Readonly<Record<string, Open | Own>> = {
  'com.atproto.server.createSession': post(createSession),
  'com.atproto.server.refreshSession': post(refreshSession),
  'com.atproto.server.deleteSession': post(deleteSession),
  'com.atproto.server.getSession': ownGet(getSession),
  'com.atproto.server.getServiceAuth': ownGet(getServiceAuth),
  'com.atproto.server.describeServer': get(describeServer),
  'com.atproto.identity.resolveHandle': get(resolveHandle, [...home, appView]),
  'com.atproto.repo.uploadBlob': ownPost(uploadBlob),
  'com.atproto.repo.createRecord': ownPost(createRecord),
  'com.atproto.repo.putRecord': ownPost(putRecord),
  'com.atproto.repo.deleteRecord': ownPost(deleteRecord),
  'com.atproto.repo.applyWrites': ownPost(applyWrites),
  'com.atproto.repo.getRecord': get(getRecord),
  'com.atproto.repo.listRecords': get(listRecords),
  'app.bsky.feed.getPosts': get(getPosts, [...home, appView]),
  'app.bsky.actor.getProfile': get(getProfile, [...home, appView]),
  'app.bsky.video.uploadVideo': post(uploadVideo, [videoHost]),
  'app.bsky.video.getJobStatus': get(getJobStatus, [videoHost]),
  'app.bsky.video.getUploadLimits': get(getUploadLimits, [videoHost]),
}

const nsidOf = (url: URL): string | undefined => /^\/xrpc\/([^/]+)$/.exec(url.pathname)?.[1]

const answer = async (stage: BlueskyStage, request: Request, meter: Meter): Promise<Response> => {
  const url = new URL(request.url)
  const nsid = nsidOf(url)
  const method = nsid !== undefined && Object.hasOwn(methods, nsid) ? methods[nsid] : undefined
  if (nsid === undefined) throw new Refused(404, 'NotFound', 'Not Found')
  if (!method?.hosts.includes(url.hostname)) throw new Refused(501, 'MethodNotImplemented', 'Method Not Implemented')
  if (request.method !== method.method) throw new Refused(405, 'InvalidRequest', `Incorrect HTTP method (${request.method}) expected ${method.method}`)
  meter.use(perAddress)
  settleJobs(stage)
  const call = { stage, request, url }
  return 'open' in method ? method.open(call, meter) : method.own({ ...call, account: callerOf(stage, request) }, meter)
}

const respond = async (stage: BlueskyStage, request: Request): Promise<Response> => {
  const meter = new Meter(stage.state, stage.now())
  const reply = await answer(stage, request, meter).catch((error: unknown) => (error instanceof Refused ? error : uncaught()).reply())
  for (const [name, value] of Object.entries(meter.headers)) reply.headers.set(name, value)
  return reply
}

const act = ({ state, now }: BlueskyStage, what: 'expire' | 'revoke' | 'process'): void => {
  if (what === 'process') for (const job of state.jobs) job.readyAt = Math.min(job.readyAt, now())
  else state.generation++
  if (what !== 'revoke') return
  state.refresh = {}
  for (const account of state.accounts) account.revoked++
}

const throttled = ({ now }: BlueskyStage, withHeader: boolean): Response => {
  const reply = tooMany().reply()
  if (withHeader) for (const [name, value] of Object.entries(headersOf(3_000, 0, now() + 300_000, 300))) reply.headers.set(name, value)
  return reply
}

const writes = new Set(['putRecord', 'createRecord', 'applyWrites', 'deleteRecord'].map((name) => `com.atproto.repo.${name}`))
const logins = new Set(['createSession', 'refreshSession'].map((name) => `com.atproto.server.${name}`))

const create = (stage: BlueskyStage): Emulator => {
  stage.state.key ||= stage.id('bsky-key-')
  return {
    fetch: (request) => respond(stage, request),
    shown: () => shown(stage.state),
    act: (what) => act(stage, what),
    isCommit: ({ method, url }) => method === 'POST' && writes.has(nsidOf(new URL(url)) ?? ''),
    isToken: ({ method, url }) => method === 'POST' && logins.has(nsidOf(new URL(url)) ?? ''),
    throttled: (withHeader) => throttled(stage, withHeader),
  }
}

/** Bluesky's emulator: account server, video service and public view, with two accounts. */
export const sandbox = {
  platform: 'bluesky',
  name: 'Bluesky',
  hosts: [entryway, pdsHost, appView, videoHost],
  accounts: accounts.map(({ did, handle, displayName }) => ({ id: did, name: handle, displayName })),
  initial,
  create,
} satisfies Sandbox<State>
