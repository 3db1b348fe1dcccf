import { expect, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import { notSent } from '../../src/contract/ports.ts'
import { notPublic } from '../../src/ports/address.ts'
import { guardedFetch } from '../../src/ports/transport.ts'
import { failure, httpServer } from './server.ts'

/** Every spelling that URL parsing turns into an address which is not public, and addresses that embed one. */
const refusedHosts = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f.1',
  '0x7f000001',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '①②⑦.0.0.1',
  '%31%32%37.0.0.1',
  '0',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '169.254.170.2',
  '0xa9fea9fe',
  '2852039166',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '168.63.129.16',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:7f00:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::ffff:0:7f00:1]',
  '[::7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:7f00:1::]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[100::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[ff02::1]',
  '[4000::1]',
  '[5f00::1]',
]

test.each(refusedHosts)('refuses %s before any connection', async (host) => {
  const error = await failure(guardedFetch({ lookup: () => Promise.reject(new Error('asked')) })(new Request(`http://${host}:9/latest/meta-data?token=SECRET`)))
  expect(PublishError.is(error) && error.code).toBe('invalid')
  expect(notSent(error)).toBe(true)
  expect(error.message).toMatch(/is not public \(.+guardedFetch\(\{ allow: \['http/)
  expect(error.message).not.toContain('SECRET')
})

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'])(
  'takes %s for public',
  (address) => {
    expect(notPublic(address)).toBeUndefined()
  },
)

const names: [name: string, answers: string[]][] = [
  ['localhost', ['127.0.0.1']],
  ['localhost', ['::1', '127.0.0.1']],
  ['metadata.google.internal', ['169.254.169.254']],
  ['instance-data.ec2.internal', ['fd00:ec2::254']],
  ['127.0.0.1.nip.example', ['127.0.0.1']],
  ['half.example', ['93.184.216.34', '10.0.0.7']],
  ['mapped.example', ['::ffff:10.0.0.7']],
  ['zone.example', ['fe80::1%eth0']],
  ['garbage.example', ['not-an-address']],
]
test.each(names)('refuses the name %s that resolves to %j', async (name, answers) => {
  const server = await httpServer((_, response) => response.end('inside'))
  const fetch = guardedFetch({ lookup: async () => answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })) })
  const error = await failure(fetch(new Request(`http://${name}:${server.port}/`)))
  expect(PublishError.is(error) && error.code).toBe('invalid')
  expect(error.message).toContain(`${name} resolves to ${answers.at(-1) === '10.0.0.7' ? '10.0.0.7' : answers[0]}, which is not public`)
  expect(notSent(error)).toBe(true)
  expect(server.connections()).toBe(0)
})

test('a name that answers a public address first and a private one later is never connected to the private one', async () => {
  const server = await httpServer((_, response) => response.end('inside'))
  const answers = ['93.184.216.34', '127.0.0.1']
  const asked: string[] = []
  const fetch = guardedFetch({
    lookup: async (name) => [{ address: answers[asked.push(name) - 1] as string, family: 4 }],
    connectTimeoutMs: 1,
  })
  const first = await failure(fetch(new Request(`http://rebind.example:${server.port}/`)))
  expect(PublishError.is(first)).toBe(false)
  expect(asked).toHaveLength(1)
  const second = await failure(fetch(new Request(`http://rebind.example:${server.port}/`)))
  expect(PublishError.is(second) && second.message).toContain('resolves to 127.0.0.1')
  expect(server.connections()).toBe(0)
})

test('the address that was checked is the one connected to: the name is asked once', async () => {
  const server = await httpServer((_, response) => response.end('here'))
  const asked: string[] = []
  const fetch = guardedFetch({
    allow: [`http://pinned.example:${server.port}`],
    lookup: async (name) => {
      asked.push(name)
      return [{ address: '127.0.0.1', family: 4 }]
    },
  })
  expect(await (await fetch(new Request(`http://pinned.example:${server.port}/`))).text()).toBe('here')
  expect(asked).toEqual(['pinned.example'])
  expect(server.seen[0]?.headers.host).toBe(`pinned.example:${server.port}`)
})

test('`allow` opens one origin: not another port, another scheme or another name of the same machine', async () => {
  const server = await httpServer((_, response) => response.end('here'))
  const fetch = guardedFetch({ allow: [server.origin] })
  expect((await fetch(new Request(server.origin))).status).toBe(200)
  for (const url of [`http://127.0.0.1:${server.port + 1}`, `https://127.0.0.1:${server.port}`, `http://localhost:${server.port}`])
    expect(PublishError.is(await failure(fetch(new Request(url)))), url).toBe(true)
  expect(server.seen).toHaveLength(1)
})

test.each(['127.0.0.1:4000', 'http://a.example/path', 'http://u:p@a.example', 'ftp://a.example', '*', ''])(
  '`allow: [%j]` is refused at construction with the mend',
  (origin) => {
    expect(() => guardedFetch({ allow: [origin] })).toThrow(/`allow` has .* not an origin\. Write scheme, host and port only/)
  },
)

test.each(['ftp://a.example/x', 'file:///etc/passwd', 'data:text/plain,hi', 'unix:/var/run/docker.sock', 'http+unix://%2Fvar%2Frun%2Fdocker.sock/x'])(
  'refuses %s',
  async (url) => {
    const error = await failure(guardedFetch()(new Request(url)))
    expect(PublishError.is(error) && error.message).toContain('use a whole http or https URL')
    expect(notSent(error)).toBe(true)
  },
)
