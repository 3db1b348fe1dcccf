// A sandbox with one post of everything that the feed page can show.

import { createSandbox, type RunningSandbox } from '@syndikit/sandbox'
import { picture } from './pictures.ts'
import { ask, postOf, sandbox as toy } from './toy.ts'

const noon = Date.UTC(2026, 10, 20, 12)
const minute = 60_000

const upload = async (sandbox: RunningSandbox, bytes: Uint8Array): Promise<string> => {
  const reply = await sandbox.fetch(ask('/upload', { method: 'POST', body: bytes }))
  return ((await reply.json()) as { key: string }).key
}

/** Two platforms: `toy` with everything, `quiet` without a post. */
export async function scene(now: () => number = () => noon): Promise<RunningSandbox> {
  const quiet = {
    ...toy,
    platform: 'quiet',
    name: 'Quiet Place',
    hosts: ['quiet.example'],
    accounts: [{ id: 'q', name: 'alice.quiet.example', displayName: 'Alice Munro' }],
  }
  const sandbox = createSandbox({ platforms: [toy, quiet], seed: 0, maxBlobBytes: 500_000, clock: { now, elapsed: now, sleep: async () => undefined } })
  const at = now()
  const files = await Promise.all(
    [
      picture(640, 400, [246, 196, 120], [214, 92, 92]),
      picture(500, 500, [120, 190, 220], [60, 80, 160]),
      picture(400, 500, [170, 214, 160], [40, 110, 100]),
      picture(800, 420, [230, 225, 215], [150, 140, 170]),
    ].map((bytes) => upload(sandbox, bytes)),
  )
  const [sunset = '', sea = '', forest = '', paper = ''] = files
  const large = await upload(sandbox, new Uint8Array(1_200_000))
  const image = (blob: string, alt: string) => ({ mime: 'image/png', alt, blob })
  const post = async (text: string, more: object = {}, token?: string) =>
    ((await (await sandbox.fetch(postOf(text, { language: 'en', ...more }, token))).json()) as { id: string }).id

  await post('An old one, to see how days are told.', { at: at - 50 * 60 * minute })
  await post('Which season is the best for a long walk?', { at: at - 300 * minute, poll: { options: ['Spring, when everything begins', 'Autumn', 'Winter'] } })
  await post('The door is the last one on the left.', {
    at: at - 240 * minute,
    warning: 'Spoilers for the last chapter',
    files: [image(forest, 'A green wood, seen from above')],
    visibility: 'unlisted',
  })
  await post('Notes on what we learned while moving a large archive: https://example.org/notes/2026/archive.', {
    at: at - 180 * minute,
    card: {
      url: 'https://example.org/notes/2026/archive',
      title: 'Moving a large archive without stopping',
      description: 'What we planned, what happened, and the three things that we would do again.',
      blob: paper,
    },
  })
  const first = await post('We walked the whole coast in four days. A short thread.', {
    at: at - 95 * minute,
    files: [image(sunset, 'The sun going down behind a headland')],
  })
  const second = await post('Day two was all wind. @layla carried the tent, I carried the excuses. #coast #walking', { at: at - 94 * minute, replyTo: first })
  await post('And then the path simply ended (https://example.org/map_(old)).', { at: at - 93 * minute, replyTo: second, edited: true })
  await post('Two pictures from this morning, and one that came out strange.', {
    at: at - 40 * minute,
    files: [image(sea, 'Blue water'), image(sunset, ''), image(forest, 'Trees')],
  })
  await post('The whole film is up.', { at: at - 31 * minute, files: [{ mime: 'video/mp4', alt: 'A walk along the coast', blob: large }] })
  await post(
    'صباح الخير! نشرنا اليوم الجزء الأول من الدليل على https://example.org/ar وسنكمل الأسبوع القادم إن شاء الله. #دليل @alice',
    { at: at - 12 * minute, language: 'ar' },
    'laylas-token',
  )
  await post('<b>Bold?</b> No: people see this & that as it was typed. <script>alert(1)</script>', { at: at - 2 * minute })
  return sandbox
}
