// The adapter suite must be seen to fail: the adapter of docs/write-an-adapter.md, broken in one way each, and the rule that must notice.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { snippetsOf } from '../../../scripts/docs/code.ts'
import { readPage } from '../../../scripts/docs/markdown.ts'
import { type AdapterSuite, sampleFiles, testAdapter } from '../src/index.ts'

const { blocks } = readPage(resolve(import.meta.dirname, '../../../docs/write-an-adapter.md'))
const sourceOf = (file: string) =>
  snippetsOf(blocks)
    .find(({ name }) => name === file)
    ?.lines.join('\n') ?? ''
const folder = mkdtempSync(join(import.meta.dirname, '.broken-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(join(folder, 'emulator.ts'), sourceOf('emulator.ts'))

interface Broken {
  readonly how: string
  /** Stands exactly once in the page's adapter. */
  readonly line: string
  readonly instead: string
  readonly noticedBy: RegExp
}

const send = 'send: (json) => http.post('
const broken: readonly Broken[] = [
  { how: 'a find that compares no text', line: 'text === sent.text && ', instead: '', noticedBy: /another app/ },
  {
    how: 'a find that never looks',
    line: 'if (same.length === 0 &&',
    instead: "if (same.length < 9) return 'absent'\n if (same.length === 0 &&",
    noticedBy: /meets drop-reply/,
  },
  {
    how: 'a request that is written anew',
    line: `${send}'posts', { json, accept: placed }),`,
    instead: "send: () => http.post('posts', { json: { text: textOf(content, index), files, answers }, accept: placed }),",
    noticedBy: /what was stored/,
  },
  { how: 'parts that stand alone', line: 'done.at(-1)?.id ?? content', instead: 'content', noticedBy: /answer to the one before/ },
  { how: 'an answer to nobody', line: '?? content.replyTo?.id ?? null', instead: '?? null', noticedBy: /earlier delivery left/ },
  { how: 'parts from last to first', line: 'of files.entries()) done', instead: 'of [...files.entries()].reverse()) done', noticedBy: /every sample once/ },
  { how: 'no alternative texts', line: "alt: media.alt ?? ''", instead: "alt: ''", noticedBy: /alternative text/ },
  {
    how: 'a call to a stranger',
    line: '  const files: string[][] = []\n',
    instead: "  const files: string[][] = []\n  await run.http.get('https://stranger.example/', { foreign: true }).catch(() => undefined)\n",
    noticedBy: /own hosts/,
  },
  {
    how: 'a credential in an error',
    line: "?? '' }, accept: file }))",
    instead: "?? '' }, accept: file }).catch(() => { throw new PublishError('transient', 'Postbox refused ' + credentials.token?.reveal()) }))",
    noticedBy: /meets expire-token/,
  },
  { how: 'a refused token taken for a refused content', line: "['bad-token', 'auth']", instead: "['bad-token', 'invalid']", noticedBy: /revoked account/ },
  { how: 'a removal that leaves a part', line: 'of parts.toReversed()', instead: 'of parts.slice(1)', noticedBy: /removes everything/ },
  {
    how: 'a poll outside of a step',
    line: '  return id\n}',
    instead: "  const { state } = await http.get('files/' + id, { accept: file })\n  if (state === 'working') later(5_000)\n  return id\n}",
    noticedBy: /so, wherever its worker dies/,
  },
]

const { picture } = sampleFiles()
type Made = Pick<AdapterSuite, 'adapter' | 'sandbox'>

/** The rules that match, and what those say that fail. */
const tried = async ({ adapter, sandbox }: Made, only: RegExp): Promise<{ ran: number; said: string[] }> => {
  const rules: (() => Promise<void>)[] = []
  testAdapter({
    test: (name, run) => void (only.test(name) && rules.push(run)),
    adapter,
    sandbox,
    connect: ({ syndikit, tenant, reconnect }) =>
      syndikit.connections.open({ tenant, platform: 'postbox', fields: { token: `sandbox-token-${reconnect === undefined ? 1 : 2}` }, reconnect }),
    samples: {
      'a text': { content: { text: 'Hello' } },
      'a thread': { content: { text: 'One', media: [{ file: picture, alt: 'Grey' }], thread: [{ text: 'Two' }] } },
    },
  })
  const said: string[] = []
  for (const run of rules) await run().catch((error: unknown) => said.push(String(error)))
  return { ran: rules.length, said }
}

const made = async (name: string, source: string): Promise<Made> => {
  writeFileSync(join(folder, `${name}.ts`), source)
  const load = (file: string) => import(pathToFileURL(join(folder, file)).href)
  return { adapter: (await load(`${name}.ts`)).postbox, sandbox: (await load('emulator.ts')).sandbox }
}

for (const [n, { how, line, instead, noticedBy }] of broken.entries())
  test(`the suite is red for an adapter with ${how}`, { timeout: 60_000 }, async () => {
    const whole = sourceOf('postbox.ts').replace('{ http, once, later }: Run', '{ http, once, later, credentials }: Run')
    expect(whole.split(line)).toHaveLength(2)
    const { ran, said } = await tried(
      await made(
        `postbox-${n}`,
        whole.replace(line, () => instead),
      ),
      noticedBy,
    )
    expect(ran).toBe(1)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/a (text|thread|credential)/)
  })
