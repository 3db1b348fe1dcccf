// Several real processes with the consents of one file: a callback counts once, a refresh token is used once, and a rotation may die at any moment.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { generateKey } from '@syndikit/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Order, syndikitOf, tenant } from './consents-worker.ts'
import { newPath } from './fixtures.ts'

const redirectUri = 'https://host.test/callback'

/** Rotates refresh tokens, and ends a whole consent when an old one comes back. */
const families = new Map<string, { current: string; dead: boolean; user: string }>()
const accesses = new Map<string, string>()
const asked: string[] = []
let lifeSeconds = 3600

const issue = (family: string, user: string) => {
  const [access, refresh] = [randomUUID(), `${family}.${randomUUID()}`]
  families.set(family, { current: refresh, dead: false, user })
  accesses.set(access, family)
  return { access_token: access, refresh_token: refresh, token_type: 'bearer', expires_in: lifeSeconds }
}

const tokens = (body: URLSearchParams): object | undefined => {
  asked.push(body.get('grant_type') ?? '')
  if (body.get('grant_type') === 'authorization_code') return issue(randomUUID(), body.get('code') ?? '')
  const given = body.get('refresh_token') ?? ''
  const [name = ''] = given.split('.')
  const family = families.get(name)
  if (family?.current === given && !family.dead) return issue(name, family.user)
  if (family) family.dead = true
  return undefined
}

const accounts = (authorization = ''): object | undefined => {
  const family = families.get(accesses.get(authorization.replace('Bearer ', '')) ?? '')
  return family && !family.dead ? [{ id: family.user, name: `@${family.user}` }] : undefined
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}

const server = createServer(async (request, response) => {
  const body = new URLSearchParams(await textOf(request))
  const answer = request.url === '/oauth/token' ? tokens(body) : accounts(request.headers.authorization)
  // Slow enough for the others to come by meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 50))
  response.writeHead(answer ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))

const onNewFile = () => ({ file: newPath(), platform: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys: [generateKey()] })

const begun = async (on: ReturnType<typeof onNewFile>, user: string) => {
  const syndikit = syndikitOf(on)
  const { state } = await syndikit.connections.begin({ tenant, platform: 'acme', redirectUri })
  return { syndikit, callbackUrl: `${redirectUri}?${new URLSearchParams({ code: user, state })}` }
}

/** What its calls answered; nothing where it was killed. */
const start = (order: Order, killAfterMs?: number): Promise<unknown[]> => {
  const flags = ['--experimental-strip-types', '--no-warnings', '--conditions=@syndikit/source']
  const child = spawn(process.execPath, [...flags, fileURLToPath(new URL('./consents-worker.ts', import.meta.url)), JSON.stringify(order)])
  let [said, complained] = ['', '']
  child.stdout.on('data', (text: Buffer) => {
    if (said === '' && killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    said += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    complained += text.toString()
  })
  return new Promise((resolve, reject) =>
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve([])
      else if (code === 0) resolve(JSON.parse(said.slice(said.indexOf('results ') + 8)) as unknown[])
      else reject(new Error(complained))
    }),
  )
}

test('of ninety-nine callbacks in three processes one connects, and one code is exchanged', async () => {
  const on = onNewFile()
  const { syndikit, callbackUrl } = await begun(on, 'ann')
  asked.length = 0
  const results = (await Promise.all([1, 2, 3].map(() => start({ ...on, calls: 33, act: 'complete', on: callbackUrl })))).flat()
  expect(results.filter((result) => result === 1)).toHaveLength(1)
  expect(results.filter((result) => /used already/.test(String(result)))).toHaveLength(98)
  expect(asked).toEqual(['authorization_code'])
  await syndikit.close()
}, 120_000)

test('of fifty-one uses of an ended token in three processes one refreshes, and all go on', async () => {
  const on = onNewFile()
  const { syndikit, callbackUrl } = await begun(on, 'ann')
  lifeSeconds = 1
  const [connection] = await syndikit.connections.complete({ tenant, callbackUrl })
  lifeSeconds = 3600
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  asked.length = 0
  const results = await Promise.all([1, 2, 3].map(() => start({ ...on, calls: 17, act: 'verify', on: connection?.id ?? '' })))
  expect(results.flat()).toEqual(Array.from({ length: 51 }, () => 'active'))
  expect(asked).toEqual(['refresh_token'])
  await syndikit.close()
}, 120_000)

test('a rotation that is killed again and again, while tokens are renewed, loses no account', async () => {
  const on = onNewFile()
  const ids: string[] = []
  const users = Array.from({ length: 40 }, (_, n) => `user-${n}`)
  lifeSeconds = 1
  for (const user of users) {
    const { syndikit, callbackUrl } = await begun(on, user)
    ids.push((await syndikit.connections.complete({ tenant, callbackUrl }))[0]?.id ?? '')
    await syndikit.close()
  }
  lifeSeconds = 3600
  const both = { ...on, keys: [generateKey(), ...on.keys] }
  const syndikit = syndikitOf(both)
  const renewing = Promise.all(ids.map((id) => syndikit.connections.verify({ tenant, id })))
  for (const killAfterMs of [5, 20]) await start({ ...both, calls: 2, act: 'rotate' }, killAfterMs)
  expect((await renewing).map(({ state }) => state)).toEqual(ids.map(() => 'active'))
  for (let remaining = 1; remaining > 0; ) remaining = (await syndikit.vault.rotate({ limit: 7 })).remaining
  await syndikit.close()
  const only = syndikitOf({ ...both, keys: both.keys.slice(0, 1) })
  for (const id of ids) expect(await only.connections.verify({ tenant, id })).toMatchObject({ state: 'active' })
  await only.close()
}, 120_000)
