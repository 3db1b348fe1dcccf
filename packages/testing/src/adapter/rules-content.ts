// The rules about what people see beside text and files: what answers what, and what a file shows.

import assert from 'node:assert/strict'
import { eachSample, judge, kindOf, publish, type Rule, type Suite, withStage } from './rule-steps.ts'
import { partsOf, type Sample } from './samples.ts'
import type { Stage } from './stage.ts'

const shown = (stage: Stage, id: string | undefined) => stage.sandbox.shown().find((one) => one.id === id)

export const answersEachOther: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (partsOf(sample).length < 2) return
    await withStage(suite, async (stage) => {
      const { parts } = await publish(stage, sample)
      for (const [i, { id }] of parts.entries())
        if (i > 0)
          assert.equal(
            shown(stage, id)?.replyTo,
            parts[i - 1]?.id,
            `${name}: part ${i} should answer part ${i - 1}, as \`replyTo\` of the emulator's \`shown()\` says`,
          )
    })
  })

/** The platform's own words, or those of an account where they depend on it. */
const limitsOf = (suite: Suite, sample: Sample) => {
  const limits = kindOf(suite.adapter(), sample)?.spec.limits
  return typeof limits === 'function' ? limits(undefined) : limits
}

export const answersOthers: Rule = async (suite) => {
  const [name, sample] = Object.entries(suite.samples)[0] ?? []
  if (!sample || kindOf(suite.adapter(), sample)?.kind !== 'post' || limitsOf(suite, sample)?.reply === false) return
  await withStage(suite, async (stage) => {
    const { placement } = await publish(stage, sample)
    const answer: Sample = { content: { text: 'An answer', replyTo: placement } }
    const delivery = await publish(stage, answer)
    assert.equal(
      delivery.state,
      'published',
      `An answer to ${name} (a platform that has none says \`reply: false\` in its limits): ${delivery.reason?.message}`,
    )
    assert.equal(shown(stage, delivery.placement?.id)?.replyTo, placement?.id, `An answer to ${name}: \`replyTo\` of the emulator's \`shown()\` names it`)
  })
}

const pointerOf = (part: number, file: number): string => `/content${part === 0 ? '' : `/thread/${part - 1}`}/media/${file}/alt`

export const describesFiles: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!limitsOf(suite, sample)?.media?.alt) return
    await withStage(suite, async (stage) => {
      const delivery = await publish(stage, sample)
      judge(stage, suite, sample, delivery, name)
      // Of some files a platform takes none, and the adapter has said so.
      const told = new Set((await stage.check(sample.content, sample.options)).map(({ pointer }) => pointer))
      for (const [i, { media = [] }] of partsOf(sample).entries()) {
        const files = shown(stage, delivery.parts[i]?.id)?.files ?? []
        assert.deepEqual(
          files.map(({ alt }) => alt),
          media.map(({ alt }, j) => (told.has(pointerOf(i, j)) ? '' : (alt ?? ''))),
          `${name}: the alternative texts of part ${i}, in order`,
        )
      }
    })
  })
