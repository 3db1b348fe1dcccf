// The rules about a commit whose answer was lost: what is sent again is what was stored, and what is found is what was sent.

import assert from 'node:assert/strict'
import type { Fault } from '@syndikit/sandbox'
import { tenant } from './acts.ts'
import { eachSample, judge, kindOf, type Rule, type Suite, withStage, worked } from './rule-steps.ts'
import { edited, partsOf, type Sample } from './samples.ts'
import type { Stage } from './stage.ts'

const minuteMs = 60_000

/** Its first commit meets the fault, and its worker dies before it can write that down. What comes after is the next worker's. */
const interrupted = async (suite: Suite, sample: Sample, fault: Fault, after: (next: Stage, id: string) => Promise<void>): Promise<void> => {
  let first: Stage | undefined
  const between: Suite['between'] = async (request, platform) => {
    try {
      return await (suite.between ?? ((passed, to) => to(passed)))(request, platform)
    } finally {
      if (first && first.sandbox.faults.waiting.length === 0) {
        first.dieAt(1)
        first = undefined
      }
    }
  }
  await withStage({ ...suite, between }, async (stage) => {
    stage.sandbox.faults.add({ fault, on: 'commit', nth: 1 })
    const id = await stage.schedule(sample.content, sample.options)
    first = stage
    await stage.work()
    await after(stage.reborn(), id)
  })
}

/** When the platform has forgotten its keys, where it has any, and a send shows in a read. */
const lateMs = (suite: Suite, sample: Sample): number => {
  const recovery = kindOf(suite.adapter(), sample)?.spec.recovery
  const forMs = recovery && 'forMs' in recovery ? (recovery.forMs ?? 0) : 0
  const settleMs = recovery && 'settleMs' in recovery ? (recovery.settleMs ?? 0) : 0
  return forMs + settleMs + 15 * minuteMs
}

export const comesBackLate: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    const afterMs = lateMs(suite, sample)
    for (const fault of ['drop-reply', 'drop-request'] as const)
      await interrupted(suite, sample, fault, async (stage, id) => {
        await stage.clock.pass(afterMs)
        await worked(stage, suite, id)
        judge(stage, suite, sample, await stage.delivery(id), `${name}, ${fault} at its first commit and ${afterMs / minuteMs} minutes until the next run`)
      })
  })

/** Rewrites what is stored for the open commit, as if an earlier release had written it. False: the text is not in there. */
const rewriteStored = async ({ storage, clock }: Stage, id: string, from: string, to: string): Promise<boolean> => {
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1)
  const { nextAt } = (await storage.deliveries.get(tenant, id)) ?? {}
  await clock.pass(Math.max(0, (nextAt ?? 0) - clock.now()))
  const { claims } = await storage.deliveries.claim({ limit: 1, leaseMs: 1, skipTenants: [], skipConnections: [], perTenant: 1, perConnection: 1 })
  const [claim] = claims
  if (!claim?.marker?.includes(inJson(from))) return false
  const marker = claim.marker.replace(inJson(from), () => inJson(to))
  assert.deepEqual(await storage.deliveries.save([{ id, fence: claim.fence, steps: claim.steps, marker }]), ['done'])
  return true
}

export const sendsWhatWasStored: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    // What such a platform shows was handed over before the commit.
    if (kindOf(suite.adapter(), sample)?.spec.recovery.class === 'two-phase') return
    await interrupted(suite, sample, 'drop-request', async (stage, id) => {
      const [{ text = '' } = {}, ...others] = partsOf(sample)
      const stored = `${text} (as stored)`
      if (text === '' || !(await rewriteStored(stage, id, text, stored))) return
      await worked(stage, suite, id)
      const texts = [stored, ...others.map(({ text = '' }) => text)]
      judge(stage, suite, { ...sample, texts }, await stage.delivery(id), `${name}, with another request stored for its open commit`)
    })
  })

export const takesNoOther: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    interrupted(suite, sample, 'drop-request', async (stage, id) => {
      const theirs = edited(sample, ' (of another app)')
      const { parts } = await (await stage.another()).publish(theirs.content, theirs.options)
      await stage.clock.pass(lateMs(suite, sample))
      await worked(stage, suite, id)
      // Some platforms end a consent when the same account gives another one.
      if ((await stage.delivery(id)).state === 'scheduled') {
        await stage.connect(stage.connectionId)
        await stage.work()
      }
      const delivery = await stage.delivery(id)
      const ours = stage.sandbox.visible().filter((one) => !parts.some(({ id }) => id === one.id))
      const what = `${name}, its request lost and then another app's post on the account: it is said to be ${delivery.state}`
      assert.ok(['published', 'uncertain'].includes(delivery.state), `${what} (${delivery.reason?.message})`)
      assert.deepEqual(
        delivery.parts.map(({ id }) => id),
        ours.map(({ id }) => id),
        `${what}, and these are the ids that it tells and the ids that are there`,
      )
      if (delivery.state === 'published') assert.equal(ours.length, partsOf(sample).length, `${what}, but not whole`)
    }),
  )
