// The rules about what is on the platform already: changed, removed, measured.

import assert from 'node:assert/strict'
import type { DeliveryInfo } from '@syndikit/core'
import type { FaultRule } from '@syndikit/sandbox'
import { eachSample, judge, kindOf, publish, type Rule, type Suite, survivesDeathOf, withStage, worked } from './rule-steps.ts'
import { assertOnce, edited, type Sample } from './samples.ts'
import type { Stage } from './stage.ts'

const assertGone = (stage: Stage, what: string): void => assert.equal(stage.sandbox.visible().length, 0, `${what}: nothing of it is visible any more`)

/** Publishes a sample and removes it, with a fault at the `nth` request of the removal. Answers how many requests the removal took. */
const removal = (suite: Suite, sample: Sample, what: string, fault?: Omit<FaultRule, 'platform' | 'on'>): Promise<number> =>
  withStage(suite, async (stage) => {
    const { id } = await publish(stage, sample)
    const before = stage.sandbox.requests.length
    if (fault) stage.sandbox.faults.add(fault)
    await stage.unpublish(id)
    const requests = stage.sandbox.requests.length - before
    assertGone(stage, what)
    const again = await stage.unpublish(id)
    assert.equal(again.state, 'published', `${what}: removing it once more finds it removed`)
    return requests
  })

export const unpublishes: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.unpublish) return
    const requests = await removal(suite, sample, `${name}, removed`)
    for (const fault of ['drop-reply', 'drop-request', 'error-after'] as const)
      for (let nth = 1; nth <= requests; nth++) await removal(suite, sample, `${name}, removed, ${fault} at request ${nth} of ${requests}`, { fault, nth })
    await survivesDeathOf(
      suite,
      async (stage) => stage.scheduleUnpublish((await publish(stage, sample)).id),
      (stage, { state }, what) => {
        assert.equal(state, 'published', `${name}, ${what}: its removal is said to be ${state}`)
        assertGone(stage, `${name}, ${what}`)
      },
    )
  })

const judgeChange = (stage: Stage, suite: Suite, sample: Sample, original: DeliveryInfo, delivery: DeliveryInfo, what: string): void => {
  if (delivery.reason?.code === 'invalid') assertOnce(stage, sample, original, `${what}: the platform does not let it be changed, and it is as it was`)
  else judge(stage, suite, edited(sample), delivery, what)
}

/** Publishes a sample and changes it, with a fault at the `nth` request of the change. Answers how many requests the change took. */
const change = (suite: Suite, sample: Sample, what: string, fault?: Omit<FaultRule, 'platform' | 'on'>): Promise<number> =>
  withStage(suite, async (stage) => {
    const original = await publish(stage, sample)
    const { id } = original
    const before = stage.sandbox.requests.length
    if (fault) stage.sandbox.faults.add(fault)
    const changed = await stage.scheduleUpdate(id, edited(sample).content, sample.options)
    await worked(stage, suite, changed)
    judgeChange(stage, suite, sample, original, await stage.delivery(changed), what)
    return stage.sandbox.requests.length - before
  })

export const updates: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.update) return
    const requests = await change(suite, sample, `${name}, changed`)
    for (const fault of ['drop-request', 'drop-reply', 'error-after', 'garbage-after', 'throttle'] as const)
      for (let nth = 1; nth <= requests; nth++) await change(suite, sample, `${name}, changed, ${fault} at request ${nth} of ${requests}`, { fault, nth })
    let original: DeliveryInfo
    await survivesDeathOf(
      suite,
      async (stage) => {
        original = await publish(stage, sample)
        return stage.scheduleUpdate(original.id, edited(sample).content, sample.options)
      },
      (stage, delivery, what) => judgeChange(stage, suite, sample, original, delivery, `${name}, changed, ${what}`),
    )
  })

export const measures: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.metrics) return
    await withStage(suite, async (stage) => {
      const delivery = await publish(stage, sample)
      const figures = await stage.metrics(delivery.id)
      assert.ok(figures.get(delivery.id), `${name}: it has figures`)
    })
  })
