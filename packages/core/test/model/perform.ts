// Carries out the commands of a plan on its stage.

import { type Accepted, type Delivery, type DeliveryInfo, type Refused, terminalStates } from '../../src/index.ts'
import { slow } from './adapter.ts'
import type { Command, Writing } from './commands.ts'
import type { HostDraft } from './host.ts'
import { longestCallMs, type Process, processOf, type Scene } from './scene.ts'
import { humanVerdict, keyOf, toldOf } from './truth.ts'

/** A call of the host, as long as it may take. What comes later is heard all the same. */
const call = async <T>({ world }: Scene, { life }: Process, what: string, work: () => Promise<T>, hear: (answer: T) => void | Promise<void>): Promise<void> => {
  const answered = (async () => {
    try {
      const answer = await work()
      if (life.dead) return
      world.note(`host: ${what} → ${JSON.stringify(answer)?.slice(0, 160)}`)
      await hear(answer)
    } catch (error) {
      world.note(`host: ${what} → ${error instanceof Error ? error.message.slice(0, 160) : String(error)}`)
    }
  })()
  if (!(await world.clock.until(answered, longestCallMs))) world.note(`host: ${what} → no answer`)
}

const draftOf = ({ host, connections }: Scene, writing: Writing, at: Date | undefined): HostDraft => {
  const { tenant, to, parts, key, onUncertain, maxLatenessMs } = writing
  const text = (part: number) => `${writing.slow ? slow : 'text'} ${host.drafts.length}.${part}`
  const own = connections[tenant].filter((_, i) => (to >> i) % 2 === 1)
  return {
    tenant,
    content: { text: text(0), ...(parts > 1 && { thread: Array.from({ length: parts - 1 }, (_, i) => ({ text: text(i + 1) })) }) },
    to: own.length > 0 ? own : connections[tenant].slice(0, 1),
    ...(key && { idempotencyKey: `key-${host.drafts.length}` }),
    ...(onUncertain !== 'hold' && { onUncertain }),
    ...(maxLatenessMs !== undefined && { maxLatenessMs }),
    ...(at && { at }),
  }
}

const hand = (scene: Scene, process: Process, draft: HostDraft): Promise<void> => {
  const { host } = scene
  const { publisher, scheduler } = process.syndikit
  const { at, ...rest } = draft
  host.asks(draft)
  const work = (): Promise<Accepted | Refused> => (at ? scheduler.schedule({ ...rest, at } as never) : publisher.publish(rest as never))
  return call(scene, process, `${at ? `schedule at ${at.toISOString()}` : 'publish'} ${draft.content.text}`, work, (answer) => host.told(draft, answer))
}

const underWay = async (scene: Scene, { content }: HostDraft): Promise<boolean> => {
  for (const row of scene.seeing.seen.values()) if (!isOver(row) && (await toldOf(scene, row))?.texts[0] === content.text) return true
  return false
}

const again = async (scene: Scene, process: Process, nth: number, how: Extract<Command, { do: 'again' }>['how']): Promise<void> => {
  const { drafts } = scene.host
  const draft = drafts[nth % Math.max(drafts.length, 1)]
  if (!draft) return
  const { idempotencyKey, ...keyless } = draft
  if (how === 'same key') return hand(scene, process, draft)
  if (how === 'no key') return hand(scene, process, keyless)
  // Two of the same words under way at once could take each other's post, which the host asked for with its keys: not what these runs are about.
  if (how === 'other key for it' && (await underWay(scene, draft))) return
  if (how === 'other key for it') return hand(scene, process, { ...keyless, contentKey: `other-${scene.timeline.length}` })
  if (idempotencyKey === undefined) return
  return hand(scene, process, { ...draft, content: { text: `other ${scene.timeline.length}` } })
}

const isOver = ({ state }: Delivery): boolean => (terminalStates as readonly string[]).includes(state)

type OnOne = Extract<Command, { nth: number }>['do']

/** What may be meant by a command about a delivery: those that it fits come first, so that runs do more than refuse. */
const pick = ({ seeing, host }: Scene, what: OnOne, nth: number): Delivery | undefined => {
  const fits: Partial<Record<OnOne, (row: Delivery) => boolean>> = {
    retry: (row) => isOver(row) && row.state !== 'published',
    update: (row) => row.state === 'published' && row.action === 'publish',
    unpublish: (row) => row.state === 'published' && row.action !== 'unpublish',
    resolve: (row) => row.state === 'uncertain' || row.state === 'needs_action',
  }
  const all = [...seeing.seen.values()].filter(({ id }) => !host.canceled.has(id))
  const fitting = all.filter(fits[what] ?? ((row) => !isOver(row)))
  const from = fitting.length > 0 ? fitting : all
  return from[nth % Math.max(from.length, 1)]
}

const resolve = async (scene: Scene, process: Process, row: Delivery): Promise<void> => {
  const verdict = await humanVerdict(scene, row)
  if (!verdict) return
  scene.host.said.set(row.id, verdict.as)
  // What was sent before is settled by this word.
  for (const left of scene.world.departures) if (left.call.key.startsWith(keyOf(row.id)) && left.told === 'unknown') left.told = 'refused'
  const { tenant, id: deliveryId, rev } = row
  await call(
    scene,
    process,
    `resolve ${deliveryId} as ${verdict.as}`,
    // With what was looked at: the word is about that, however late it comes.
    () => process.syndikit.scheduler.resolve({ tenant, deliveryId, rev, ...verdict }),
    () => undefined,
  )
}

const onOne = async (scene: Scene, process: Process, command: Extract<Command, { nth: number }>): Promise<void> => {
  const row = pick(scene, command.do, command.nth)
  if (!row) return
  const { host, world } = scene
  const { tenant, id: deliveryId } = row
  const { scheduler, publisher } = process.syndikit
  const one = { tenant, deliveryId }
  const what = `${command.do} ${deliveryId}`
  const more = (answer: Accepted | Refused) => host.toldMore(what, answer)
  switch (command.do) {
    case 'cancel':
      return call(
        scene,
        process,
        what,
        () => scheduler.cancel(one),
        async ({ status }) => {
          if (status !== 'done') return
          host.canceled.add(deliveryId)
          const now = await world.storage.deliveries.get(tenant, deliveryId)
          if (now?.state !== 'canceled') world.violated(`I17: ${deliveryId} was canceled and is ${now?.state}`)
        },
      )
    case 'reschedule':
      return call(
        scene,
        process,
        what,
        () => scheduler.reschedule({ ...one, at: new Date(world.clock.now() + command.inMs) }),
        () => undefined,
      )
    case 'execute-now':
      return call(
        scene,
        process,
        what,
        () => scheduler.executeNow(one),
        () => undefined,
      )
    case 'retry':
      host.reused.add((await toldOf(scene, row))?.texts[0] ?? '')
      return call(scene, process, what, () => scheduler.retry(one), more)
    case 'update': {
      const content = { text: `new ${scene.timeline.length}` }
      return call(scene, process, what, () => publisher.update({ ...one, content } as never), more)
    }
    case 'unpublish':
      return call(scene, process, what, () => publisher.unpublish(one), more)
    case 'resolve':
      return resolve(scene, process, row)
    default:
      return again(scene, process, command.nth, command.how)
  }
}

/** Begins a tick, or joins the one under way; what it does happens while time passes. */
export const tick = ({ world }: Scene, process: Process): Promise<void> => {
  process.ticking ??= process.syndikit
    .tick({ budgetMs: 2_000 })
    .catch((error: unknown) => world.note(`${process.life.name}: its tick failed, ${error instanceof Error ? error.message : ''}`))
    .finally(() => {
      process.ticking = undefined
    })
  return process.ticking
}

const runFor = async ({ world }: Scene, process: Process, ms: number): Promise<void> => {
  const { clock, note } = world
  const { life, syndikit } = process
  if (process.working) return
  note(`${life.name} starts`)
  process.working = true
  const working = syndikit.start()
  await clock.pass(ms)
  const stopping = working.stop().then(() => {
    process.working = false
  })
  note(`${life.name} ${(await clock.until(stopping, longestCallMs)) ? 'has stopped' : 'does not stop'}`)
}

const listAll = async (scene: Scene, process: Process, tenant: string): Promise<void> => {
  const found: DeliveryInfo[] = []
  const walk = async () => {
    for (let after: string | undefined, n = 0; n < 60; n++) {
      const page = await process.syndikit.scheduler.list({ tenant, limit: 3, ...(after !== undefined && { after }) })
      found.push(...page.items)
      if (page.next === undefined) return
      after = page.next
    }
  }
  await call(scene, process, `list ${tenant}`, walk, () => {
    if (found.some((one) => one.tenant !== tenant)) scene.world.violated(`I18: a list of ${tenant} shows another tenant's deliveries`)
    if (new Set(found.map(({ id }) => id)).size !== found.length) scene.world.violated('a list shows a delivery twice')
  })
}

export const perform = async (scene: Scene, command: Command): Promise<void> => {
  const { world, host } = scene
  const { clock, chance, note } = world
  chance.restart(command.seed)
  const process = processOf(scene, 'worker' in command ? command.worker : chance.between(0, 2))
  note(`--- ${JSON.stringify(command)}`)
  if ('nth' in command) return onOne(scene, process, command)
  switch (command.do) {
    case 'publish':
    case 'schedule': {
      const at = command.do === 'schedule' ? new Date(clock.now() + command.inMs) : undefined
      const draft = draftOf(scene, command, at)
      host.drafts.push(draft)
      return hand(scene, process, draft)
    }
    case 'list':
      return listAll(scene, process, chance.next() < 0.5 ? 'ann' : 'bob')
    case 'tick':
      return void tick(scene, process)
    case 'run':
      return runFor(scene, process, command.forMs)
    case 'kill':
      return process.life.die('killed')
    case 'pause':
    case 'suspend':
    case 'jump':
      return process.life[command.do](command.ms)
    case 'outage':
      world.outageUntil = clock.now() + command.ms
      return
    case 'expire':
      return world.platform.expireTokens()
    case 'pass':
      return clock.pass(command.ms)
  }
}
