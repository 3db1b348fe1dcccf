// Repositories of the emulated Bluesky: create, put, delete, get, list, as the reference server does it (A1, publish; atproto packages/pds).

import { checkBlobs, dropBlobsOf, sweep } from './blobs.ts'
import { cidOfRecord, isTid, nextTid } from './ids.ts'
import { postIssues } from './lexicon.ts'
import { type Meter, perWrite } from './rates.ts'
import { bodyOf, type Call, invalid, isFields, json, type OwnCall, objectIn, param, Refused, text, textIf, unauthorized, uncaught } from './reply.ts'
import { accountOf, type BlueskyStage, type Entry, type Fields, type Json, postType, type State, uriOf } from './state.ts'

const maxWrites = 200

const isNsid = (value: string): boolean => value.length <= 317 && /^[a-zA-Z][a-zA-Z0-9-]*(\.[a-zA-Z0-9-]+)+\.[a-zA-Z][a-zA-Z0-9]*$/.test(value)
const isRecordKey = (key: string): boolean => /^[\w.:~-]{1,512}$/.test(key) && key !== '.' && key !== '..'

interface Prepared {
  did: string
  collection: string
  rkey: string
  value: Fields
  cid: string
  validationStatus: 'valid' | 'unknown' | undefined
}

const statusOf = (value: Fields, rkey: string, validate: boolean | undefined): Prepared['validationStatus'] => {
  if (validate === false) return undefined
  if (value.$type !== postType) {
    // Of the lexicons the real server knows, this one knows posts.
    if (validate === true) throw invalid(`Unknown lexicon type: ${String(value.$type)}`)
    return 'unknown'
  }
  if (!isTid(rkey)) throw invalid(`Invalid record key for ${postType}: Invalid TID string (got ${JSON.stringify(rkey)})`)
  const issues = postIssues(value)
  if (issues.length > 0) throw invalid(`Invalid ${postType} record: ${issues.join(', ')}`)
  return 'valid'
}

const prepare = (stage: BlueskyStage, did: string, collection: string, rkey: string | undefined, record: Fields, validate: boolean | undefined): Prepared => {
  if (!isNsid(collection)) throw invalid(`Invalid NSID (got ${JSON.stringify(collection)}) at $.collection`)
  const value = record.$type === undefined ? { ...record, $type: collection } : record
  if (value.$type !== collection) throw invalid(`Invalid $type: expected ${collection}, got ${String(value.$type)}`)
  if (rkey !== undefined && !isRecordKey(rkey)) throw invalid(`Invalid record key: ${rkey}`)
  const key = rkey ?? nextTid(stage)
  return { did, collection, rkey: key, value, validationStatus: statusOf(value, key, validate), cid: cidOfRecord(value) }
}

const at = (state: State, did: string, collection: string, rkey: string): Entry | undefined =>
  state.entries.find((entry) => entry.did === did && entry.collection === collection && entry.rkey === rkey)

const ownRepo = async ({ stage, request, account }: OwnCall): Promise<{ body: Fields; did: string }> => {
  const body = await bodyOf(request)
  const repo = accountOf(stage.state, text(body, 'repo'))
  if (!repo) throw new Refused(403, 'AccountNotFound', 'Account not found')
  if (repo.did !== account.did) throw unauthorized()
  sweep(stage)
  return { body, did: account.did }
}

const validateOf = ({ validate }: Fields): boolean | undefined => {
  if (validate !== undefined && typeof validate !== 'boolean') throw invalid('Expected boolean value type at $.validate')
  return validate
}

const checkCommit = (state: State, did: string, { swapCommit }: Fields): void => {
  const current = state.commits[did]?.cid
  if (typeof swapCommit === 'string' && swapCommit !== current) throw new Refused(400, 'InvalidSwap', `Commit was at ${current ?? 'null'}`)
}

/** `null`: only where there is none. Absent: whatever is there. */
const checkRecord = (current: Entry | undefined, swap: Json | undefined): void => {
  if (swap !== undefined && (current?.cid ?? null) !== swap) throw new Refused(400, 'InvalidSwap', `Record was at ${current?.cid ?? 'null'}`)
}

const committed = (stage: BlueskyStage, did: string): { cid: string; rev: string } => {
  const rev = nextTid(stage)
  const commit = { cid: cidOfRecord([did, rev]), rev }
  stage.state.commits[did] = commit
  return commit
}

const insert = ({ state, now }: BlueskyStage, { did, collection, rkey, value, cid }: Prepared): void => {
  // The reference server lets the error of its tree through: "There is already a value at key".
  if (at(state, did, collection, rkey)) throw uncaught()
  checkBlobs(state, did, value)
  state.entries.push({ did, collection, rkey, cid, value, at: now() })
}

const replace = (state: State, current: Entry, { value, cid, did }: Prepared): void => {
  checkBlobs(state, did, value)
  const before = current.value
  current.value = value
  current.cid = cid
  dropBlobsOf(state, did, before)
}

const remove = (state: State, entry: Entry): void => {
  state.entries.splice(state.entries.indexOf(entry), 1)
  dropBlobsOf(state, entry.did, entry.value)
}

const outcome = (write: Prepared) => ({
  uri: uriOf(write),
  cid: write.cid,
  ...(write.validationStatus !== undefined && { validationStatus: write.validationStatus }),
})

export const createRecord = async (call: OwnCall, meter: Meter): Promise<Response> => {
  const { stage } = call
  meter.use(...perWrite(call.account.did, 3))
  const { body, did } = await ownRepo(call)
  const write = prepare(stage, did, text(body, 'collection'), textIf(body, 'rkey'), objectIn(body, 'record'), validateOf(body))
  checkCommit(stage.state, did, body)
  insert(stage, write)
  return json({ ...outcome(write), commit: committed(stage, did) })
}

export const putRecord = async (call: OwnCall, meter: Meter): Promise<Response> => {
  const { stage } = call
  meter.use(...perWrite(call.account.did, 2))
  const { body, did } = await ownRepo(call)
  const write = prepare(stage, did, text(body, 'collection'), text(body, 'rkey'), objectIn(body, 'record'), validateOf(body))
  const current = at(stage.state, did, write.collection, write.rkey)
  // Before any swap is looked at: the same record again changes nothing, and has no commit.
  if (current?.cid === write.cid) return json(outcome(write))
  checkCommit(stage.state, did, body)
  checkRecord(current, body.swapRecord)
  if (current) replace(stage.state, current, write)
  else insert(stage, write)
  return json({ ...outcome(write), commit: committed(stage, did) })
}

export const deleteRecord = async (call: OwnCall, meter: Meter): Promise<Response> => {
  const { stage } = call
  meter.use(...perWrite(call.account.did, 1))
  const { body, did } = await ownRepo(call)
  const current = at(stage.state, did, text(body, 'collection'), text(body, 'rkey'))
  if (!current) return json({})
  checkCommit(stage.state, did, body)
  checkRecord(current, body.swapRecord ?? undefined)
  remove(stage.state, current)
  return json({ commit: committed(stage, did) })
}

const writeOne = (stage: BlueskyStage, did: string, write: Fields, validate: boolean | undefined): object => {
  const collection = text(write, 'collection')
  const kind = String(write.$type).replace('com.atproto.repo.applyWrites#', '')
  if (kind === 'create') {
    const made = prepare(stage, did, collection, textIf(write, 'rkey'), objectIn(write, 'value'), validate)
    insert(stage, made)
    return { $type: 'com.atproto.repo.applyWrites#createResult', ...outcome(made) }
  }
  const current = at(stage.state, did, collection, text(write, 'rkey'))
  if (kind !== 'update' && kind !== 'delete') throw invalid(`Action not supported: ${kind}`)
  // As above: the tree's error.
  if (!current) throw uncaught()
  if (kind === 'delete') {
    remove(stage.state, current)
    return { $type: 'com.atproto.repo.applyWrites#deleteResult' }
  }
  const made = prepare(stage, did, collection, text(write, 'rkey'), objectIn(write, 'value'), validate)
  replace(stage.state, current, made)
  return { $type: 'com.atproto.repo.applyWrites#updateResult', ...outcome(made) }
}

const pointsOf = ({ $type }: Fields): number => (String($type).endsWith('#create') ? 3 : String($type).endsWith('#update') ? 2 : 1)

/** All of them, or none. */
export const applyWrites = async (call: OwnCall, meter: Meter): Promise<Response> => {
  const { stage } = call
  const { body, did } = await ownRepo(call)
  if (!Array.isArray(body.writes) || !body.writes.every(isFields)) throw invalid('Expected array value type at $.writes')
  const writes = body.writes.filter(isFields)
  meter.use(
    ...perWrite(
      did,
      writes.reduce((sum, write) => sum + pointsOf(write), 0),
    ),
  )
  if (writes.length > maxWrites) throw invalid(`Too many writes. Max: ${maxWrites}`)
  checkCommit(stage.state, did, body)
  const validate = validateOf(body)
  const before = structuredClone({ entries: stage.state.entries, blobs: stage.state.blobs })
  try {
    const results = writes.map((write) => writeOne(stage, did, write, validate))
    return json({ commit: committed(stage, did), results })
  } catch (error) {
    Object.assign(stage.state, before)
    throw error
  }
}

export const getRecord = ({ stage, url }: Call): Response => {
  const repo = param(url, 'repo')
  const [collection, rkey, cid] = [param(url, 'collection'), param(url, 'rkey'), url.searchParams.get('cid')]
  const account = accountOf(stage.state, repo)
  if (!account) throw invalid(`Could not find repo: ${repo}`)
  const entry = at(stage.state, account.did, collection, rkey)
  if (!entry || (cid !== null && cid !== entry.cid))
    throw new Refused(400, 'RecordNotFound', `Could not locate record: ${uriOf({ did: account.did, collection, rkey })}`)
  return json({ uri: uriOf(entry), cid: entry.cid, value: entry.value })
}

export const listRecords = ({ stage, url }: Call): Response => {
  const [repo, collection, cursor] = [param(url, 'repo'), param(url, 'collection'), url.searchParams.get('cursor')]
  const limit = Number(url.searchParams.get('limit') ?? 50)
  const reverse = url.searchParams.get('reverse') === 'true'
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw invalid(`integer out of range (1 to 100, got ${url.searchParams.get('limit')}) at $.limit`)
  const account = accountOf(stage.state, repo)
  if (!account) throw invalid(`Could not find repo: ${repo}`)
  const sorted = stage.state.entries
    .filter((entry) => entry.did === account.did && entry.collection === collection)
    .filter(({ rkey }) => cursor === null || (reverse ? rkey > cursor : rkey < cursor))
    .toSorted((a, b) => (a.rkey < b.rkey === reverse ? -1 : 1))
    .slice(0, limit)
  const last = sorted.at(-1)
  return json({ records: sorted.map((entry) => ({ uri: uriOf(entry), cid: entry.cid, value: entry.value })), ...(last && { cursor: last.rkey }) })
}
