// What the suite publishes, and how it judges what is visible.

import assert from 'node:assert/strict'
import type { DeliveryInfo } from '@syndikit/core'
import type { Visible } from '@syndikit/sandbox'
import type { Stage } from './stage.ts'

/** One content that the adapter can publish. */
export interface Sample {
  readonly content: object
  /** The adapter's own options. */
  readonly options?: unknown
  /** How many things become visible. Default 1. */
  readonly parts?: number
  /** A text that must be found in each part, in order. Default: the texts of the content. */
  readonly texts?: readonly string[]
  /** Files on each part, in order. Default: as the content has them. */
  readonly media?: readonly number[]
}

interface WrittenPart {
  readonly text?: string
  readonly media?: readonly { readonly alt?: string }[]
}
interface Written extends WrittenPart {
  readonly thread?: readonly WrittenPart[]
}
/** Of a post, the first included; of another kind, the content itself. */
export const partsOf = ({ content }: Sample): readonly WrittenPart[] => {
  const written = content as Written
  return [written, ...(written.thread ?? [])]
}

/** The same with another text in every part. */
export const edited = ({ content, texts, ...rest }: Sample, mark = ' (edited)'): Sample => {
  const anew = <P extends WrittenPart>(part: P): P => ({ ...part, text: `${part.text ?? ''}${mark}` })
  const { thread } = content as Written
  return {
    ...rest,
    content: { ...anew(content), ...(thread && { thread: thread.map(anew) }) },
    ...(texts && { texts: texts.map((text) => `${text}${mark}`) }),
  }
}

const expected = (sample: Sample): readonly { readonly text: string; readonly media: number }[] =>
  partsOf(sample).map((part, i) => ({ text: sample.texts?.[i] ?? part.text ?? '', media: sample.media?.[i] ?? part.media?.length ?? 0 }))

const said = (visible: readonly Visible[]): string => JSON.stringify(visible.map(({ text, media }) => ({ text, media })))

/** Each part is there once, under the id that is told for it, with its files; nothing else is. */
export const assertOnce = (stage: Stage, sample: Sample, delivery: DeliveryInfo, what: string): void => {
  const visible = stage.sandbox.visible()
  const parts = expected(sample)
  assert.equal(visible.length, parts.length, `${what}: ${parts.length} should be visible, there are ${visible.length}: ${said(visible)}`)
  assert.equal(delivery.parts.length, parts.length, `${what}: it tells ${parts.length} parts`)
  for (const [i, part] of parts.entries()) {
    const shown = visible.find(({ id }) => id === delivery.parts[i]?.id)
    assert.ok(shown, `${what}: part ${i} is told to be ${delivery.parts[i]?.id}, which is not visible`)
    assert.ok(shown.text.includes(part.text), `${what}: part ${i} should hold ${JSON.stringify(part.text)}: ${said(visible)}`)
    assert.equal(shown.media, part.media, `${what}: part ${i} should have ${part.media} files: ${said(visible)}`)
  }
}

/** What is said to have happened is what happened. */
export const assertTrue = (stage: Stage, sample: Sample, delivery: DeliveryInfo, what: string): void => {
  const visible = stage.sandbox.visible()
  const told = `${what}: it is said to be ${delivery.state}${delivery.reason ? ` (${delivery.reason.code}: ${delivery.reason.message})` : ''}`
  if (delivery.state === 'published') {
    assertOnce(stage, sample, delivery, told)
    if (delivery.action === 'publish')
      assert.deepEqual(
        stage.sandbox.visible().map(({ id }) => id),
        delivery.parts.map(({ id }) => id),
        `${told}, part after part`,
      )
    assert.ok(delivery.placement && delivery.parts.some(({ id }) => id === delivery.placement?.id), `${told}, and its placement is one of its parts`)
  } else if (delivery.state === 'failed' || delivery.state === 'missed' || delivery.state === 'canceled')
    assert.equal(visible.length, 0, `${told}, but it is visible: ${said(visible)}`)
  else assert.ok(visible.length <= expected(sample).length, `${told}, but ${visible.length} are visible: ${said(visible)}`)
}
