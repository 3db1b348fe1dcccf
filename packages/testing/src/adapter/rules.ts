// The rules that every adapter keeps. Each is a sentence and a function; a rule is skipped only with a written reason.

import assert from 'node:assert/strict'
import { type Fault, type FaultRule, faults } from '@syndikit/sandbox'
import { tenant } from './acts.ts'
import { eachSample, judge, publish, type Rule, requestsOf, type Suite, survivesDeathOf, withStage, worked } from './rule-steps.ts'
import { measures, unpublishes, updates } from './rules-after.ts'
import { comesBackLate, sendsWhatWasStored, takesNoOther } from './rules-commit.ts'
import { answersEachOther, answersOthers, describesFiles } from './rules-content.ts'
import type { Sample } from './samples.ts'
import { assertSecretsInside } from './secrets.ts'

const minuteMs = 60_000

const dataIsComplete: Rule = async (suite) => {
  const adapter = suite.adapter()
  assert.equal(adapter.contract, 1)
  assert.match(adapter.id, /^[a-z][a-z0-9-]*$/, '`id` is lower case')
  assert.ok(adapter.content.length > 0, 'it takes at least one kind')
  for (const { kind, spec } of adapter.content) {
    const limits = typeof spec.limits === 'function' ? spec.limits(undefined) : spec.limits
    assert.ok(limits, `\`${kind}\` declares its limits`)
    assert.match(limits.checkedAt, /^\d{4}-\d{2}-\d{2}$/, `the limits of \`${kind}\` say when they were checked`)
    assert.ok(limits.source.length > 0, `the limits of \`${kind}\` name their source`)
  }
}

const publishesOnce: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    withStage(suite, async (stage) => {
      const delivery = await publish(stage, sample)
      judge(stage, suite, sample, delivery, name)
      assert.equal(delivery.tries, 0, `${name}: it took one try`)
      assert.equal(delivery.placement?.url === undefined || URL.canParse(delivery.placement.url), true, `${name}: its URL is a whole one`)
    }),
  )

const survives = async (suite: Suite, sample: Sample, rule: FaultRule, what: string): Promise<void> =>
  withStage(suite, async (stage) => {
    stage.sandbox.faults.add(rule)
    const id = await stage.schedule(sample.content, sample.options)
    await worked(stage, suite, id)
    judge(stage, suite, sample, await stage.delivery(id), what)
  })

const survivesEveryFault =
  (fault: Fault): Rule =>
  (suite) =>
    eachSample(suite, async (sample, name) => {
      const requests = await requestsOf(suite, sample)
      for (let nth = 1; nth <= requests; nth++) await survives(suite, sample, { fault, nth }, `${name}, ${fault} at request ${nth} of ${requests}`)
    })

const survivesCommitFaultsTwice: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    for (const [first, second] of [
      ['drop-reply', 'drop-reply'],
      ['drop-request', 'drop-reply'],
      ['error-after', 'error-before'],
      ['drop-reply', 'throttle'],
      ['garbage-after', 'expire-token'],
    ] as const) {
      await withStage(suite, async (stage) => {
        stage.sandbox.faults.add({ fault: first, on: 'commit', nth: 1 })
        stage.sandbox.faults.add({ fault: second, on: 'commit', nth: 2 })
        const id = await stage.schedule(sample.content, sample.options)
        await worked(stage, suite, id)
        judge(stage, suite, sample, await stage.delivery(id), `${name}, ${first} and then ${second} at its commits`)
      })
    }
  })

const survivesDeath: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    survivesDeathOf(
      suite,
      (stage) => stage.schedule(sample.content, sample.options),
      (stage, delivery, what) => judge(stage, suite, sample, delivery, `${name}, ${what}`),
    ),
  )

const keepsItsHosts: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    withStage(suite, async (stage) => {
      await publish(stage, sample)
      const hosts = [...new Set(stage.sent.map(({ url }) => new URL(url).hostname))]
      // A page or a server that the content itself names is the tenant's wish.
      const stray = hosts.filter((host) => !stage.sandbox.knows(host) && !JSON.stringify(sample).includes(host))
      assert.deepEqual(stray, [], `${name}: every request goes to the platform, whose hosts the emulator names in \`hosts\``)
    }),
  )

const secretsStayInside: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    withStage(suite, async (stage) => {
      stage.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
      const delivery = await publish(stage, sample)
      assert.ok(stage.secrets().length > 0, `${name}: it shows who it is, in a header or a body`)
      await assertSecretsInside(stage, name)
      for (const secret of stage.secrets()) assert.ok(!JSON.stringify(delivery).includes(secret), `${name}: a credential is told in the delivery`)
    }),
  )

const revokedIsHeld: Rule = async (suite) => {
  const [name, sample] = Object.entries(suite.samples)[0] ?? []
  if (!sample) return
  await withStage(suite, async (stage) => {
    const platform = stage.sandbox.platforms[0]?.platform as string
    await stage.sandbox.act(platform, 'revoke')
    const id = await stage.schedule(sample.content, sample.options)
    await stage.work(minuteMs)
    const held = await stage.delivery(id)
    assert.equal(held.state, 'scheduled', `${name}: it waits for the account to be connected again, ${held.reason?.message}`)
    assert.equal(stage.sandbox.visible().length, 0)
    await stage.connect(stage.connectionId)
    await stage.work()
    judge(stage, suite, sample, await stage.delivery(id), `${name}, connected again`)
  })
}

const limitsAreChecked: Rule = async (suite) => {
  const adapter = suite.adapter()
  await withStage(suite, async (stage) => {
    for (const { kind, spec } of adapter.content) {
      const connection = await stage.storage.connections.get(tenant, stage.connectionId)
      const limits = typeof spec.limits === 'function' ? spec.limits(JSON.parse(connection?.data ?? '{}')) : spec.limits
      for (const [field, bounds] of Object.entries(limits?.text ?? {})) {
        const least = Math.min(...bounds.map(({ max }) => max))
        const sample = (length: number): Sample => ({ content: { kind, [field]: 'a'.repeat(length) } })
        const fits = await stage.check(sample(least).content)
        assert.deepEqual(
          fits.filter(({ code }) => code === 'text-too-long'),
          [],
          `${kind}.${field}: ${least} fit`,
        )
        const over = await stage.check(sample(least + 1).content)
        const problem = over.find(({ code }) => code === 'text-too-long')
        assert.deepEqual([problem?.actual, problem?.limit], [least + 1, least], `${kind}.${field}: ${least + 1} are one too many`)
        judge(stage, suite, sample(least), await publish(stage, sample(least)), `${kind}.${field} of ${least}`)
      }
    }
  })
}

/** By name, in the order in which they are run. */
export const rules: Readonly<Record<string, Rule>> = {
  'declares its data, its limits with source and date': dataIsComplete,
  'publishes every sample once, with its id': publishesOnce,
  'takes a text of exactly the limit and refuses one more, with counts': limitsAreChecked,
  'sends each part of a thread as an answer to the one before': answersEachOther,
  'answers what an earlier delivery left': answersOthers,
  'sends the alternative text of every file': describesFiles,
  'sends to its own hosts only': keepsItsHosts,
  'tells no credential in results, events, logs or explanations': secretsStayInside,
  ...Object.fromEntries(faults.map((fault) => [`publishes once and says so, whichever request meets ${fault}`, survivesEveryFault(fault)])),
  'publishes once and says so, when two commits in a row meet faults': survivesCommitFaultsTwice,
  'publishes once and says so, wherever its worker dies': survivesDeath,
  'publishes once and says so, when it comes back after the platform has forgotten its keys': comesBackLate,
  'sends again what was stored, whatever it would write now': sendsWhatWasStored,
  'takes no post of another app for its own after a lost answer': takesNoOther,
  'waits for a revoked account to be connected again, and then goes out': revokedIsHeld,
  'changes what it published, and says so, whichever request meets a fault and wherever its worker dies': updates,
  'removes everything it published, whichever request meets a fault and wherever its worker dies, and finds it removed the second time': unpublishes,
  'reads figures for what it published': measures,
}
