// What the rules are made of: a stage each, a sample published on it, a worker that dies, a verdict.

import assert from 'node:assert/strict'
import type { Adapter, DeliveryInfo } from '@syndikit/core'
import { assertTrue, type Sample } from './samples.ts'
import { assertSecretsInside } from './secrets.ts'
import { openStage, type Stage, type StageOptions } from './stage.ts'

export interface Suite extends StageOptions {
  readonly samples: Readonly<Record<string, Sample>>
}
export type Rule = (suite: Suite) => Promise<void>

export const withStage = async <T>(suite: Suite, work: (stage: Stage) => Promise<T>): Promise<T> => {
  const stage = await openStage(suite)
  try {
    const result = await work(stage)
    await assertSecretsInside(stage, 'In what is left of it all')
    return result
  } finally {
    await stage.close()
  }
}

export const publish = (stage: Stage, { content, options }: Sample): Promise<DeliveryInfo> => stage.publish(content, options)

/** How many requests a sample takes when nothing goes wrong. */
export const requestsOf = (suite: Suite, sample: Sample): Promise<number> =>
  withStage(suite, async (stage) => {
    const before = stage.sandbox.requests.length
    await publish(stage, sample)
    return stage.sandbox.requests.length - before
  })

export const kindOf = (adapter: Adapter, { content }: Sample) => adapter.content.find(({ kind }) => kind === ((content as { kind?: string }).kind ?? 'post'))

/** Blind sends may end uncertain; everything else ends published, whatever happened on the way. */
export const judge = (stage: Stage, suite: Suite, sample: Sample, delivery: DeliveryInfo, what: string): void => {
  assertTrue(stage, sample, delivery, what)
  const recovery = kindOf(suite.adapter(), sample)?.spec.recovery.class
  if (recovery === 'blind' && delivery.state === 'uncertain') return
  assert.equal(delivery.state, 'published', `${what}: it ends as ${delivery.state}: ${delivery.reason?.message ?? ''}`)
}

export const eachSample = async (suite: Suite, rule: (sample: Sample, name: string) => Promise<void>): Promise<void> => {
  for (const [name, sample] of Object.entries(suite.samples)) await rule(sample, name)
}

/** Credentials that cannot be renewed end for good: then the tenant connects again, and what waited goes out. */
export const worked = async (stage: Stage, suite: Suite, id: string): Promise<void> => {
  await stage.work()
  const { state } = await stage.delivery(id)
  if (state !== 'scheduled' || renewable(suite.adapter())) return
  await stage.connect(stage.connectionId)
  await stage.work()
}

const renewable = ({ auth: [first] }: Adapter): boolean => first?.type === 'session' || (first?.type === 'oauth2' && first.refresh !== false)

/** Schedules a delivery whose worker dies at its 1st, 2nd, … call to the database or the platform; another goes on, and what it leaves is judged. */
export const survivesDeathOf = async (
  suite: Suite,
  begin: (stage: Stage) => Promise<string>,
  judged: (stage: Stage, delivery: DeliveryInfo, what: string) => void,
): Promise<void> => {
  for (let nth = 1, over = false; !over; nth++)
    await withStage(suite, async (stage) => {
      const id = await begin(stage)
      const life = stage.dieAt(nth)
      await stage.work()
      over = !life.died()
      if (over) return
      const next = stage.reborn()
      await next.work()
      judged(next, await next.delivery(id), `its worker dead at call ${nth}`)
    })
}
