// What the host asks of a process, and hears.

import { type Accepted, type Delivery, type DeliveryInfo, type Refused, terminalStates } from '@syndikit/core'
import { shapes } from './adapter.ts'
import type { Command, Writing } from './commands.ts'
import type { HostDraft } from './host.ts'
import { longestCallMs, type Process, type Scene } from './scene.ts'
import { humanVerdict, keyOf, toldOf } from './truth.ts'

interface Asked<T> {
  readonly what: string
  work(): Promise<T>
  hear?(answer: T): void | Promise<void>
}

/** As long as it may take, or as long as what comes next leaves it. What is answered later is heard all the same. */
const ask = async <T>(scene: Scene, { life }: Process, { what, work, hear }: Asked<T>): Promise<void> => {
  const { world } = scene
  const answered = (async () => {
    scene.asking += 1
    try {
      const answer = await work()
      if (life.dead) return
      world.note(`host: ${what} → ${JSON.stringify(answer)?.slice(0, 160)}`)
      await hear?.(answer)
    } catch (error) {
      world.note(`host: ${what} → ${error instanceof Error ? error.message.slice(0, 160) : String(error)}`)
    } finally {
      scene.asking -= 1
    }
  })()
  if (!scene.atOnce && !(await world.clock.until(answered, longestCallMs))) world.note(`host: ${what} → no answer`)
}

const isOver = ({ state }: Delivery): boolean => (terminalStates as readonly string[]).includes(state)

const draftOf = ({ host, connections }: Scene, writing: Writing, at: Date | undefined): HostDraft => {
  const { tenant, to, parts, key, onUncertain, maxLatenessMs, shape } = writing
  const text = (part: number) => `${shapes[shape]} ${host.drafts.length}.${part}`
  const own = connections[tenant].filter((_, i) => (to >> i) % 2 === 1)
  return {
    tenant,
    content: { text: text(0), ...(parts > 1 && { thread: Array.from({ length: parts - 1 }, (_, i) => ({ text: text(i + 1) })) }) },
    to: own.length > 0 ? own : connections[tenant].slice(0, 1),
    ...(key && { idempotencyKey: `key-${host.drafts.length}` }),
    ...(onUncertain !== 'hold' && { onUncertain }),
    ...(maxLatenessMs !== null && { maxLatenessMs }),
    ...(at && { at }),
  }
}

const hand = (scene: Scene, process: Process, draft: HostDraft): Promise<void> => {
  const { host } = scene
  const { publisher, scheduler } = process.syndikit
  const { at, ...rest } = draft
  host.asks(draft)
  const work = (): Promise<Accepted | Refused> => (at ? scheduler.schedule({ ...rest, at } as never) : publisher.publish(rest as never))
  const what = `${at ? `schedule at ${at.toISOString()}` : 'publish'} ${draft.content.text}`
  return ask(scene, process, { what, work, hear: (answer) => host.told(draft, answer) })
}

/** Takes in a new draft. */
export const publish = (scene: Scene, process: Process, command: Extract<Command, Writing>): Promise<void> => {
  const at = command.do === 'schedule' ? new Date(scene.world.clock.now() + command.inMs) : undefined
  const draft = draftOf(scene, command, at)
  scene.host.drafts.push(draft)
  return hand(scene, process, draft)
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
  if (how === 'other key for it' && (scene.asking > 0 || (await underWay(scene, draft)))) return
  if (how === 'other key for it') return hand(scene, process, { ...keyless, contentKey: `other-${scene.timeline.length}` })
  if (idempotencyKey === undefined) return
  return hand(scene, process, { ...draft, content: { text: `other ${scene.timeline.length}` } })
}

type OnOne = Exclude<Extract<Command, { nth: number }>['do'], 'again'>

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
  // With what was looked at: the word is about that, however late it comes.
  const work = () => process.syndikit.scheduler.resolve({ tenant, deliveryId, rev, ...verdict })
  await ask(scene, process, { what: `resolve ${deliveryId} as ${verdict.as}`, work })
}

const cancel = ({ host, world }: Scene, process: Process, { tenant, id: deliveryId }: Delivery): Asked<{ status: string }> => ({
  what: `cancel ${deliveryId}`,
  work: () => process.syndikit.scheduler.cancel({ tenant, deliveryId }),
  hear: async ({ status }) => {
    if (status !== 'done') return
    host.canceled.add(deliveryId)
    const now = await world.storage.deliveries.get(tenant, deliveryId)
    if (now?.state !== 'canceled') world.violated('I17', `${deliveryId} was canceled and is ${now?.state}`)
  },
})

export const onOne = async (scene: Scene, process: Process, command: Extract<Command, { nth: number }>): Promise<void> => {
  if (command.do === 'again') return again(scene, process, command.nth, command.how)
  const row = pick(scene, command.do, command.nth)
  if (!row) return
  const { host, world } = scene
  const one = { tenant: row.tenant, deliveryId: row.id }
  const { scheduler, publisher } = process.syndikit
  const what = `${command.do} ${row.id}`
  const more = (work: () => Promise<Accepted | Refused>) => ask(scene, process, { what, work, hear: (answer) => host.toldMore(what, answer) })
  switch (command.do) {
    case 'cancel':
      return ask(scene, process, cancel(scene, process, row))
    case 'reschedule':
      return ask(scene, process, { what, work: () => scheduler.reschedule({ ...one, at: new Date(world.clock.now() + command.inMs) }) })
    case 'execute-now':
      return ask(scene, process, { what, work: () => scheduler.executeNow(one) })
    case 'retry':
      host.reused.add((await toldOf(scene, row))?.texts[0] ?? '')
      return more(() => scheduler.retry(one))
    case 'update':
      return more(() => publisher.update({ ...one, content: { text: `new ${scene.timeline.length}` } } as never))
    case 'unpublish':
      return more(() => publisher.unpublish(one))
    case 'resolve':
      return resolve(scene, process, row)
  }
}

export const listAll = async (scene: Scene, process: Process, tenant: string): Promise<void> => {
  const found: DeliveryInfo[] = []
  const walk = async () => {
    for (let after: string | undefined, n = 0; n < 60; n++) {
      const page = await process.syndikit.scheduler.list({ tenant, limit: 3, ...(after !== undefined && { after }) })
      found.push(...page.items)
      if (page.next === undefined) return
      after = page.next
    }
  }
  const hear = () => {
    if (found.some((one) => one.tenant !== tenant)) scene.world.violated('I18', `a list of ${tenant} shows another tenant's deliveries`)
    if (new Set(found.map(({ id }) => id)).size !== found.length) scene.world.violated('I18', 'a list shows a delivery twice')
  }
  await ask(scene, process, { what: `list ${tenant}`, work: walk, hear })
}
