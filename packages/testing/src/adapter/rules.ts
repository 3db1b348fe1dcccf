// The rules that every adapter keeps. Each is a sentence and a function; a rule is skipped only with a written reason.

import assert from 'node:assert/strict'
import type { Adapter, DeliveryInfo } from '@syndikit/core'
import { type Fault, type FaultRule, faults } from '@syndikit/sandbox'
import { assertOnce, assertTrue, draftOf, type Sample, schedule } from './samples.ts'
import { openStage, type Stage, type StageOptions, tenant } from './stage.ts'

export interface Suite extends StageOptions {
  readonly samples: Readonly<Record<string, Sample>>
}
export type Rule = (suite: Suite) => Promise<void>

const minuteMs = 60_000

const withStage = async <T>(suite: Suite, work: (stage: Stage) => Promise<T>): Promise<T> => {
  const stage = await openStage(suite)
  try {
    return await work(stage)
  } finally {
    await stage.close()
  }
}

const publish = async (stage: Stage, sample: Sample): Promise<DeliveryInfo> => {
  const id = await schedule(stage, sample)
  await stage.work()
  return stage.delivery(id)
}

/** How many requests a sample takes when nothing goes wrong. */
const requestsOf = (suite: Suite, sample: Sample): Promise<number> =>
  withStage(suite, async (stage) => {
    const before = stage.sandbox.requests.length
    await publish(stage, sample)
    return stage.sandbox.requests.length - before
  })

const kindOf = (adapter: Adapter, { content }: Sample) => adapter.content.find(({ kind }) => kind === ((content as { kind?: string }).kind ?? 'post'))

/** Blind sends may end uncertain; everything else ends published, whatever happened on the way. */
const judge = (stage: Stage, suite: Suite, sample: Sample, delivery: DeliveryInfo, what: string): void => {
  assertTrue(stage, sample, delivery, what)
  const recovery = kindOf(suite.adapter(), sample)?.spec.recovery.class
  if (recovery === 'blind' && delivery.state === 'uncertain') return
  assert.equal(delivery.state, 'published', `${what}: it ends as ${delivery.state}: ${delivery.reason?.message ?? ''}`)
}

const eachSample = async (suite: Suite, rule: (sample: Sample, name: string) => Promise<void>): Promise<void> => {
  for (const [name, sample] of Object.entries(suite.samples)) await rule(sample, name)
}

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
    const id = await schedule(stage, sample)
    await worked(stage, suite, id)
    judge(stage, suite, sample, await stage.delivery(id), what)
  })

/** Credentials that cannot be renewed end for good: then the tenant connects again, and what waited goes out. */
const worked = async (stage: Stage, suite: Suite, id: string): Promise<void> => {
  await stage.work()
  const { state } = await stage.delivery(id)
  if (state !== 'scheduled' || renewable(suite.adapter())) return
  await stage.connect(stage.connectionId)
  await stage.work()
}

const renewable = ({ auth: [first] }: Adapter): boolean => first?.type === 'session' || (first?.type === 'oauth2' && first.refresh !== false)

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
        const id = await schedule(stage, sample)
        await worked(stage, suite, id)
        judge(stage, suite, sample, await stage.delivery(id), `${name}, ${first} and then ${second} at its commits`)
      })
    }
  })

/** A worker that dies at any call to the database or the platform, and another that goes on. */
const survivesDeath: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    for (let nth = 1; ; nth++) {
      const over = await withStage(suite, async (stage) => {
        const id = await schedule(stage, sample)
        const life = stage.dieAt(nth)
        await stage.work()
        if (!life.died()) return true
        const next = stage.reborn()
        await next.work()
        judge(next, suite, sample, await next.delivery(id), `${name}, its worker dead at call ${nth}`)
        return false
      })
      if (over) return
    }
  })

const keepsItsHosts: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    withStage(suite, async (stage) => {
      await publish(stage, sample)
      const stray = stage.sandbox.requests.filter(({ host }) => !stage.sandbox.knows(host.split(':')[0] ?? host))
      assert.deepEqual(stray, [], `${name}: every request goes to the platform`)
    }),
  )

const secretsStayInside: Rule = (suite) =>
  eachSample(suite, (sample, name) =>
    withStage(suite, async (stage) => {
      const seen: string[] = []
      stage.syndikit.on('*', (event) => void seen.push(JSON.stringify(event)))
      stage.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
      const delivery = await publish(stage, sample)
      const explained = await stage.clock.drive(stage.syndikit.explain({ tenant, deliveryId: delivery.id }))
      const connection = await stage.clock.drive(stage.storage.connections.get(tenant, stage.connectionId))
      const told = [JSON.stringify(delivery), JSON.stringify(explained), JSON.stringify(connection), ...stage.logs, ...seen].join('\n')
      for (const secret of stage.secrets()) assert.ok(!told.includes(secret), `${name}: a credential is told somewhere`)
    }),
  )

const revokedIsHeld: Rule = async (suite) => {
  const [name, sample] = Object.entries(suite.samples)[0] ?? []
  if (!sample) return
  await withStage(suite, async (stage) => {
    const platform = stage.sandbox.platforms[0]?.platform as string
    await stage.sandbox.act(platform, 'revoke')
    const id = await schedule(stage, sample)
    await stage.work(minuteMs)
    const held = await stage.delivery(id)
    assert.equal(held.state, 'scheduled', `${name}: it waits for the account to be connected again, ${held.reason?.message}`)
    assert.equal(stage.sandbox.visible().length, 0)
    await stage.connect(stage.connectionId)
    await stage.work()
    judge(stage, suite, sample, await stage.delivery(id), `${name}, connected again`)
  })
}

const unpublishes: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.unpublish) return
    for (const fault of [undefined, 'drop-reply', 'drop-request', 'error-after'] as const) {
      await withStage(suite, async (stage) => {
        const delivery = await publish(stage, sample)
        if (fault) stage.sandbox.faults.add({ fault, nth: 1 })
        const result = await stage.clock.drive(stage.syndikit.publisher.unpublish({ tenant, deliveryId: delivery.id }))
        assert.equal(result.status, 'scheduled')
        await stage.work()
        assert.equal(stage.sandbox.visible().length, 0, `${name}, ${fault ?? 'no fault'}: nothing of it is visible any more`)
        const again = await stage.clock.drive(stage.syndikit.publisher.unpublish({ tenant, deliveryId: delivery.id }))
        await stage.work()
        const id = 'deliveries' in again ? again.deliveries[0]?.id : undefined
        assert.equal(id && (await stage.delivery(id)).state, 'published', `${name}: removing it once more finds it removed`)
      })
    }
  })

const edited = ({ content, ...rest }: Sample): Sample => ({ ...rest, content: { ...content, text: `${(content as { text?: string }).text ?? ''} (edited)` } })

/** Publishes a sample and changes it, with a fault at the `nth` request of the change. Answers how many requests the change took. */
const change = (suite: Suite, sample: Sample, what: string, fault?: Omit<FaultRule, 'platform' | 'on'>): Promise<number> =>
  withStage(suite, async (stage) => {
    const original = await publish(stage, sample)
    const { id } = original
    const before = stage.sandbox.requests.length
    if (fault) stage.sandbox.faults.add(fault)
    const result = await stage.clock.drive(
      stage.syndikit.publisher.update({ tenant, deliveryId: id, content: edited(sample).content as never, options: sample.options }),
    )
    assert.ok('deliveries' in result, `${what}: the change was taken in`)
    const changed = result.deliveries[0]?.id as string
    await worked(stage, suite, changed)
    const delivery = await stage.delivery(changed)
    if (delivery.reason?.code === 'invalid') assertOnce(stage, sample, original, `${what}: the platform does not let it be changed, and it is as it was`)
    else judge(stage, suite, edited(sample), delivery, what)
    return stage.sandbox.requests.length - before
  })

const updates: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.update) return
    const requests = await change(suite, sample, `${name}, changed`)
    for (const fault of ['drop-request', 'drop-reply', 'error-after', 'garbage-after', 'throttle'] as const)
      for (let nth = 1; nth <= requests; nth++) await change(suite, sample, `${name}, changed, ${fault} at request ${nth} of ${requests}`, { fault, nth })
  })

const measures: Rule = (suite) =>
  eachSample(suite, async (sample, name) => {
    if (!kindOf(suite.adapter(), sample)?.spec.metrics) return
    await withStage(suite, async (stage) => {
      const delivery = await publish(stage, sample)
      const figures = await stage.clock.drive(stage.syndikit.publisher.metrics({ tenant, deliveryIds: [delivery.id] }))
      assert.ok(figures.get(delivery.id), `${name}: it has figures`)
    })
  })

const limitsAreChecked: Rule = async (suite) => {
  const adapter = suite.adapter()
  await withStage(suite, async (stage) => {
    for (const { kind, spec } of adapter.content) {
      const connection = await stage.storage.connections.get(tenant, stage.connectionId)
      const limits = typeof spec.limits === 'function' ? spec.limits(JSON.parse(connection?.data ?? '{}')) : spec.limits
      for (const [field, bounds] of Object.entries(limits?.text ?? {})) {
        const least = Math.min(...bounds.map(({ max }) => max))
        const sample = (length: number): Sample => ({ content: { kind, [field]: 'a'.repeat(length) } })
        const fits = await stage.clock.drive(stage.syndikit.publisher.check(draftOf(stage, sample(least))))
        assert.deepEqual(
          fits.filter(({ code }) => code === 'text-too-long'),
          [],
          `${kind}.${field}: ${least} fit`,
        )
        const over = await stage.clock.drive(stage.syndikit.publisher.check(draftOf(stage, sample(least + 1))))
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
  'sends to its own hosts only': keepsItsHosts,
  'tells no credential in results, events, logs or explanations': secretsStayInside,
  ...Object.fromEntries(faults.map((fault) => [`publishes once and says so, whichever request meets ${fault}`, survivesEveryFault(fault)])),
  'publishes once and says so, when two commits in a row meet faults': survivesCommitFaultsTwice,
  'publishes once and says so, wherever its worker dies': survivesDeath,
  'waits for a revoked account to be connected again, and then goes out': revokedIsHeld,
  'changes what it published, and says so, whichever request meets a fault': updates,
  'removes everything it published, and finds it removed the second time': unpublishes,
  'reads figures for what it published': measures,
}
