// The feed page and the consent walk in a real browser.

import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type RunningSandbox, sandboxUrl, serveSandbox } from '@syndikit/sandbox'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { picture } from './pictures.ts'
import { scene } from './scene.ts'
import { ask, postOf } from './toy.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const executablePath = '/usr/bin/chromium'
const skipped = !existsSync(executablePath) && process.env.CI !== 'true'
if (skipped)
  console.warn(
    `Skipped: the browser tests of the feed page need ${executablePath}. Install it with: apt-get install chromium fonts-noto-core fonts-noto-color-emoji`,
  )

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Runs in the page: every piece of visible text whose contrast to what is painted behind it is too low. */
const tooFaint = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data] }
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a / 255 + under[i] * (1 - a / 255))
  const behind = (element) => {
    if (!element) return [255, 255, 255]
    const own = rgba(getComputedStyle(element).backgroundColor)
    return own[3] === 255 ? own.slice(0, 3) : over(own, behind(element.parentElement))
  }
  const light = (colour) => { const [r, g, b] = colour.map((c) => { const v = c / 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b }
  const contrast = (a, b) => { const [high, low] = [light(a), light(b)].sort((x, y) => y - x); return (high + .05) / (low + .05) }
  const found = [], seen = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement: element, textContent } = walker.currentNode
    if (!textContent.trim() || !element.checkVisibility({ visibilityProperty: true }) || element.closest('script, .skip')) continue
    const under = behind(element)
    const ratio = contrast(over(rgba(getComputedStyle(element).color), under), under)
    seen.push(ratio)
    if (ratio < 4.5) found.push([textContent.trim().slice(0, 40), Math.round(ratio * 100) / 100])
  }
  return { found, seen: seen.length }
})()`

/** Runs in the page: a second of a real film, as base64. */
const record = `(async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 })
  const context = canvas.getContext('2d')
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm;codecs=vp8' })
  const pieces = []
  recorder.ondataavailable = ({ data }) => pieces.push(data)
  const stopped = new Promise((resolve) => { recorder.onstop = resolve })
  recorder.start()
  for (let nth = 0; nth < 20; nth++) {
    context.fillStyle = 'rgb(' + nth * 12 + ' 90 90)'
    context.fillRect(0, 0, 64, 48)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  recorder.stop()
  await stopped
  return btoa(String.fromCharCode(...new Uint8Array(await new Blob(pieces).arrayBuffer())))
})()`

/** Runs in the page: the colour of a picture's own words, and which edges of its open alternative text stick out of it. */
const overlay = (nth: number) => `(() => {
  const figure = document.querySelectorAll('figure.picture')[${nth}]
  const alt = figure.querySelector('.alt')
  const [around, box, button] = [figure, alt, alt.querySelector('summary')].map((one) => one.getBoundingClientRect())
  alt.scrollTo(0, alt.scrollHeight)
  const end = alt.querySelector('p').getBoundingClientRect().bottom
  alt.scrollTo(0, 0)
  const cut = { top: box.top < around.top, bottom: box.bottom > around.bottom, left: box.left < around.left, right: box.right > around.right, button: button.top < box.top, end: end > box.bottom + 1 }
  return [getComputedStyle(figure.querySelector('img')).color, Object.keys(cut).filter((edge) => cut[edge])]
})()`

const direction = (selector: string) =>
  `(() => { const style = getComputedStyle(document.querySelector(${JSON.stringify(selector)})); return [style.direction, style.textAlign] })()`
const left = (selector: string) => `document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect().left`

describe.skipIf(skipped)('in a browser', () => {
  let browser: Browser
  let sandbox: RunningSandbox
  let url: string
  let close: () => Promise<void>

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: flags })
    sandbox = await scene(Date.now)
    const server = await serveSandbox(sandbox)
    url = server.url
    close = server.close
  })
  afterAll(async () => {
    await browser?.close()
    await close?.()
  })

  /** A page that fails the test when something in it fails. */
  async function open(path = '/', { width = 1280, colorScheme = 'light' as 'light' | 'dark', address = url } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    onTestFinished(async () => {
      await page.close()
      expect(problems).toEqual([])
    })
    await page.goto(address + path)
    return page
  }

  const arabic = 'article[dir="rtl"]'

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('%s at %i px: readable everywhere, and nothing sticks out sideways', async (colorScheme, width) => {
    const page = await open('/', { width, colorScheme })
    for (const summary of await page.locator('summary').all()) await summary.click()
    const { found, seen } = (await page.evaluate(tooFaint)) as { found: unknown[]; seen: number }
    expect(seen).toBeGreaterThan(60)
    expect(found).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    // A picture of one flat colour would mean that nothing was drawn.
    expect((await page.screenshot()).byteLength).toBeGreaterThan(20_000)
  })

  test('one very long word, name and address do not widen a narrow page', async () => {
    const page = await open('/', { width: 360 })
    const long = 'x'.repeat(400)
    await sandbox.fetch(
      postOf(`${long} https://example.org/${long} #${long} @${long}`, {
        at: 1,
        url: `https://toy.example/${long}`,
        poll: { options: [long] },
        card: { url: 'https://example.org', title: long, description: long },
        warning: long,
        files: [{ mime: long, alt: long, blob: long }],
      }),
    )
    await page.reload()
    await page.locator('summary', { hasText: long }).click()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
  })

  test('an Arabic post runs from right to left, picture of its author and all, and the others do not', async () => {
    const page = await open('/?platform=toy', { width: 360 })
    expect(await page.evaluate(direction(`${arabic} .text`))).toEqual(['rtl', 'start'])
    expect(await page.locator(`${arabic} .text`).getAttribute('lang')).toBe('ar')
    expect(await page.evaluate(left(`${arabic} .avatar`))).toBeGreaterThan((await page.evaluate(left(`${arabic} .text`))) as number)
    expect(await page.evaluate(direction('article[dir="ltr"] .text'))).toEqual(['ltr', 'start'])
    expect(await page.evaluate(left('article[dir="ltr"] .avatar'))).toBeLessThan((await page.evaluate(left('article[dir="ltr"] .text'))) as number)
    expect(await page.evaluate(direction(`${arabic} .text a[href^="https"]`))).toEqual(['ltr', 'start'])
  })

  test('alternative text is there for programs, and for eyes by click and by keyboard', async () => {
    const page = await open('/?platform=toy')
    const text = 'The sun going down behind a headland'
    expect(await page.getByRole('img', { name: text }).count()).toBe(1)
    const shown = page.locator('.alt p', { hasText: text })
    expect(await shown.isVisible()).toBe(false)
    const summary = page.locator('.picture', { has: page.getByRole('img', { name: text }) }).locator('summary')
    await summary.click()
    expect(await shown.isVisible()).toBe(true)
    await summary.press('Enter')
    expect(await shown.isVisible()).toBe(false)
  })

  test('alternative text can be read and closed again however small its picture is, also where the picture cannot be drawn', async () => {
    const alt = 'A boat on a lake, and much more that somebody wrote about it. '.repeat(20)
    const upload = async (bytes: Uint8Array) => ((await (await sandbox.fetch(ask('/upload', { method: 'POST', body: bytes }))).json()) as { key: string }).key
    const [flat, broken] = [await upload(picture(600, 12, [0, 0, 0], [9, 9, 9])), await upload(Buffer.from('no picture'))]
    const image = (blob: string) => ({ mime: 'image/png', alt, blob })
    for (const files of [[image(flat)], [image(broken)], [1, 2, 3, 4].map(() => image(flat))]) await sandbox.fetch(postOf('small', { at: 2, files }))
    const page = await open('/?q=small', { width: 360 })
    const figures = await page.locator('figure.picture').all()
    expect(figures).toHaveLength(6)
    for (const [nth, figure] of figures.entries()) {
      const [summary, text] = [figure.locator('summary'), figure.locator('.alt p')]
      await summary.click()
      // A browser draws the alternative text of a broken picture below ours.
      const [clear, cut] = (await page.evaluate(overlay(nth))) as [string, unknown[]]
      expect([clear, cut]).toEqual(['rgba(0, 0, 0, 0)', []])
      await summary.click()
      expect(await text.isVisible()).toBe(false)
    }
  })

  test('pictures are drawn and films can be played', async () => {
    const page = await open('/?platform=toy')
    const film = (await page.evaluate(record)) as string
    const blob = ((await (await sandbox.fetch(ask('/upload', { method: 'POST', body: Buffer.from(film, 'base64') }))).json()) as { key: string }).key
    await sandbox.fetch(postOf('A film of our own.', { at: 3, files: [{ mime: 'video/webm', alt: 'Grey', blob }] }))
    await page.getByLabel('Grey').waitFor({ timeout: 6000 })
    expect(
      await page.evaluate(`(async () => {
        const video = document.querySelector('video[aria-label="Grey"]')
        video.muted = true
        await video.play()
        return [video.videoWidth, video.videoHeight]
      })()`),
    ).toEqual([64, 48])
    await page.getByRole('img', { name: 'Blue water' }).scrollIntoViewIfNeeded()
    await expect.poll(() => page.evaluate(`document.querySelector('img[alt="Blue water"]').naturalWidth`)).toBe(500)
  })

  test('what is behind a warning stays hidden until somebody asks', async () => {
    const page = await open('/?platform=toy')
    const hidden = page.getByText('The door is the last one on the left.')
    expect(await hidden.isVisible()).toBe(false)
    await page.getByText('Spoilers for the last chapter').click()
    expect(await hidden.isVisible()).toBe(true)
  })

  test('it has landmarks, headings in order, a way past the header, and a focus that can be seen', async () => {
    const page = await open('/?platform=toy')
    for (const role of ['banner', 'main', 'navigation'] as const) expect(await page.getByRole(role).count()).toBe(1)
    const levels = (await page.evaluate(`[...document.querySelectorAll('h1,h2,h3')].map((heading) => Number(heading.tagName[1]))`)) as number[]
    expect(levels[0]).toBe(1)
    for (const [at, level] of levels.entries()) expect(level).toBeLessThanOrEqual((levels[at - 1] ?? 0) + 1)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the posts')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('feed')
    for (let nth = 0; nth < 12; nth++) {
      await page.keyboard.press('Tab')
      expect(
        await page.evaluate(
          `(() => { const style = getComputedStyle(document.activeElement); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 })()`,
        ),
      ).toBe(true)
    }
  })

  test('new posts come in by themselves, and what is being read or open stays as it is', async () => {
    const page = await open('/?platform=toy', { width: 600 })
    await page.getByText('Spoilers for the last chapter').click()
    await page.evaluate(`document.querySelector('[aria-label="Poll"]').scrollIntoView({ block: 'center' })`)
    const top = () => page.evaluate(`Math.round(document.querySelector('[aria-label="Poll"]').getBoundingClientRect().top)`)
    const before = await top()
    await sandbox.fetch(postOf('Here while you were reading.', { at: Date.now() }))
    await page.getByText('Here while you were reading.').waitFor({ timeout: 6000 })
    expect(Math.abs(((await top()) as number) - (before as number))).toBeLessThanOrEqual(1)
    expect(await page.getByText('The door is the last one on the left.').isVisible()).toBe(true)
    expect(await page.getByRole('status').textContent()).toBe('1 new post')
  })

  test('deleted posts go, edited ones change, and an open warning of an edited post stays open', async () => {
    const page = await open('/?platform=toy')
    await page.getByText('Spoilers for the last chapter').click()
    const posts = sandbox.shown()
    const spoiler = posts.find(({ warning }) => warning?.startsWith('Spoilers'))
    await sandbox.fetch(postOf('Gone soon.'))
    await page.getByText('Gone soon.').waitFor({ timeout: 6000 })
    Object.assign(spoiler ?? {}, { text: 'It is the door on the right.', edited: true })
    await sandbox.fetch(
      new Request(`https://api.toy.example/posts/${sandbox.shown().findLast(({ text }) => text === 'Gone soon.')?.id}`, {
        method: 'DELETE',
        headers: { authorization: 'Bearer alices-token' },
      }),
    )
    await page.getByText('It is the door on the right.').waitFor({ timeout: 6000 })
    expect(await page.getByText('Gone soon.').count()).toBe(0)
  })

  test('when the server goes away the page says so', async () => {
    const other = await serveSandbox(await scene(Date.now))
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(other.url)
    await other.close()
    await page.getByText('Not connected').waitFor({ timeout: 6000 })
  })

  test('a hashtag leads to its posts, an account to its own', async () => {
    const page = await open('/')
    await page.getByRole('link', { name: '#coast' }).click()
    expect(await page.locator('.post').count()).toBe(3)
    await page.getByRole('link', { name: 'Show all' }).click()
    await page.getByRole('link', { name: /ليلى/ }).click()
    expect(await page.locator('.post').count()).toBe(1)
    expect(await page.locator('nav [aria-current]').textContent()).toBe('@layla')
  })

  test('a person can walk through the consent page, and the app gets its code', async () => {
    const app = createServer((message, response) => response.end(`got ${new URL(message.url ?? '', 'http://app').searchParams.get('code')}`)).listen(
      0,
      '127.0.0.1',
    )
    onTestFinished(() => void app.close())
    await new Promise((resolve) => app.once('listening', resolve))
    const redirect = `http://127.0.0.1:${(app.address() as AddressInfo).port}/callback`
    const consent = new URL(sandboxUrl(url, `https://toy.example/oauth/authorize?redirect_uri=${encodeURIComponent(redirect)}`))
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(consent.href)
    await page.getByRole('button', { name: 'ليلى حسن' }).click()
    await page.waitForURL(`${redirect}**`)
    const code = /^got (code-\d+)$/.exec((await page.textContent('body')) ?? '')?.[1] ?? ''
    const reply = await sandbox.fetch(new Request('https://toy.example/oauth/token', { method: 'POST', body: new URLSearchParams({ code }) }))
    const { access_token: token } = (await reply.json()) as { access_token: string }
    await sandbox.fetch(postOf('Allowed by hand.', {}, token))
    expect(sandbox.visible().at(-1)).toMatchObject({ account: 'layla', text: 'Allowed by hand.' })
  })
})
