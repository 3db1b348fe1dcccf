// Storages that break one promise each, made of the in-memory one, and the rule that must notice.

import type { Attempt, NewDelivery, NewPublication, Settle, Storage } from '@syndikit/core'

export interface Fault {
  readonly name: string
  /** Of the rule or rules that must fail. */
  readonly noticedBy: RegExp
  readonly break: (storage: Storage<never>) => Storage<never>
}

type Deliveries = Storage['deliveries']
type Events = Storage['events']
type Quotas = Storage['quotas']

const deliveries = (change: (whole: Deliveries) => Partial<Deliveries>): Fault['break'] => {
  return (storage) => ({ ...storage, deliveries: { ...storage.deliveries, ...change(storage.deliveries) } })
}
const events = (change: (whole: Events) => Partial<Events>): Fault['break'] => {
  return (storage) => ({ ...storage, events: { ...storage.events, ...change(storage.events) } })
}
const quotas = (change: (whole: Quotas) => Partial<Quotas>): Fault['break'] => {
  return (storage) => ({ ...storage, quotas: { ...storage.quotas, ...change(storage.quotas) } })
}
const connections = (change: (whole: Storage['connections']) => Partial<Storage['connections']>): Fault['break'] => {
  return (storage) => ({ ...storage, connections: { ...storage.connections, ...change(storage.connections) } })
}

const noFence = deliveries((whole) => {
  const fences = new Map<string, number>()
  const current = <Row extends { id: string; fence: number }>(rows: readonly Row[]) => rows.map((row) => ({ ...row, fence: fences.get(row.id) ?? row.fence }))
  return {
    claim: async (query) => {
      const answer = await whole.claim(query)
      for (const { id, fence } of answer.claims) fences.set(id, fence)
      return answer
    },
    extend: (held, leaseMs) => whole.extend(current(held), leaseMs),
    save: (rows) => whole.save(current(rows)),
    settle: (rows) => whole.settle(current(rows)),
  }
})

const noFromState = deliveries((whole) => {
  const reopened = new Map<string, Settle>()
  return {
    settle: async (rows) => {
      const written = await whole.settle(rows)
      for (const [n, row] of rows.entries()) if (written[n] === 'stale') reopened.set(row.id, row)
      return rows.map(() => 'done')
    },
    get: async (tenant, id) => {
      const row = await whole.get(tenant, id)
      const last = reopened.get(id)
      return row && last && last.fence === row.fence ? { ...row, state: last.to, nextAt: last.nextAt } : row
    },
  }
})

const doubleClaim = deliveries((whole) => {
  let last: Awaited<ReturnType<Deliveries['claim']>>['claims'] = []
  return {
    claim: async (query) => {
      const answer = await whole.claim(query)
      const claims = [...answer.claims, ...last.slice(0, 1)]
      last = answer.claims
      return { ...answer, claims }
    },
  }
})

const settleInTwo = deliveries((whole) => {
  const written = new Set<string>()
  return {
    settle: async (rows) => {
      const answer = await whole.settle(rows)
      for (let turn = 0; turn < 50; turn++) await undefined
      for (const { attempt } of rows) written.add(attempt.id)
      return answer
    },
    attempts: async (tenant, id) => (await whole.attempts(tenant, id)).filter((attempt: Attempt) => written.has(attempt.id)),
  }
})

const noLateEvidence = deliveries((whole) => {
  const late = new Set<string>()
  return {
    settle: async (rows) => {
      const written = await whole.settle(rows)
      for (const [n, { attempt }] of rows.entries()) if (written[n] === 'stale') late.add(attempt.id)
      return written
    },
    attempts: async (tenant, id) => (await whole.attempts(tenant, id)).filter((attempt) => !late.has(attempt.id)),
  }
})

const replayIsStale = deliveries((whole) => {
  const seen = new Set<string>()
  return {
    settle: async (rows) => {
      const written = await whole.settle(rows)
      return rows.map(({ attempt }, n) => {
        if (seen.has(attempt.id)) return 'stale'
        seen.add(attempt.id)
        return written[n] ?? 'stale'
      })
    },
  }
})

const finishedTwice = events((whole) => ({
  read: async (owner, limit, leaseMs) =>
    (await whole.read(owner, limit, leaseMs)).flatMap((event) =>
      event.type === 'publication:finished' ? [event, { ...event, seq: event.seq + 1_000_000 }] : [event],
    ),
}))

const unguardedTake = quotas((whole) => ({
  take: async (buckets) => {
    const answer = await whole.take(buckets.map((bucket) => ({ ...bucket, limit: bucket.limit + 1 })))
    return answer
  },
}))

const takenTwice: Fault['break'] = (storage) => {
  const states = new Map<string, Awaited<ReturnType<Storage['oauth']['takeState']>>>()
  const takeState: Storage['oauth']['takeState'] = async (tenant, id) => {
    const taken = (await storage.oauth.takeState(tenant, id)) ?? states.get(tenant + id)
    states.set(tenant + id, taken)
    return taken
  }
  return { ...storage, oauth: { ...storage.oauth, takeState } }
}

const manyReaders = events((whole) => ({
  read: async (_, limit, leaseMs) => whole.read('everybody', limit, leaseMs),
}))

const adds = (change: (delivery: NewDelivery) => Partial<NewDelivery>, ofPublication: Partial<NewPublication> = {}): Fault['break'] => {
  const changed = (one: NewPublication) => ({ ...one, ...ofPublication, deliveries: one.deliveries.map((delivery) => ({ ...delivery, ...change(delivery) })) })
  return (storage) => ({
    ...storage,
    publications: { ...storage.publications, add: (publications) => storage.publications.add(publications.map(changed)) },
  })
}

const uncompared = connections((whole) => ({
  replaceGrant: async (tenant, id, _, change, more) => {
    for (;;) {
      const grant = await whole.grant(tenant, id)
      if (!grant) return false
      if (await whole.replaceGrant(tenant, id, grant.version, change, more)) return true
    }
  },
}))

const half: Fault['break'] = (storage) => ({
  ...storage,
  publications: {
    ...storage.publications,
    add: async (all) => {
      const answer = await storage.publications.add(all)
      if (answer.status !== 'added') for (const one of all) await storage.publications.add([one])
      return answer
    },
  },
})

/** Of the deliveries of one publication in one call, only the first counts. */
const countedOnce: Fault['break'] = (storage) => {
  const uncounted = new Map<string, number>()
  const settle: Deliveries['settle'] = async (rows) => {
    const written = await storage.deliveries.settle(rows)
    const publications = await Promise.all(rows.map(async ({ id }) => (await storage.deliveries.get('tenant-a', id))?.publicationId ?? ''))
    for (const [n, id] of publications.entries()) if (publications.indexOf(id) < n) uncounted.set(id, (uncounted.get(id) ?? 0) + 1)
    return written
  }
  const get: Storage['publications']['get'] = async (tenant, id) => {
    const found = await storage.publications.get(tenant, id)
    return found && { ...found, pending: found.pending + (uncounted.get(id) ?? 0) }
  }
  return { ...storage, deliveries: { ...storage.deliveries, settle }, publications: { ...storage.publications, get } }
}

/** Keyset by instant alone: what else is due at the last row's instant is passed over. */
const tiesPassedOver = deliveries(({ upcoming }) => ({
  upcoming: (until, after, limit) => upcoming(until, after && { ...after, id: '\u{10ffff}' }, limit),
}))

const attemptsOutlive: Fault['break'] = (storage) => {
  const kept = new Map<string, readonly Attempt[]>()
  const attempts: Deliveries['attempts'] = async (tenant, id) => {
    const found = await storage.deliveries.attempts(tenant, id)
    if (found.length > 0) kept.set(id, found)
    return (await storage.deliveries.get(tenant, id)) ? [...(kept.get(id) ?? found)] : []
  }
  const settle: Deliveries['settle'] = async (rows) => {
    const written = await storage.deliveries.settle(rows)
    for (const { id } of rows) await attempts('tenant-a', id)
    return written
  }
  return { ...storage, deliveries: { ...storage.deliveries, attempts, settle } }
}

export const faults: readonly Fault[] = [
  { name: 'no fence check', noticedBy: /lease was taken over|even when the verdict comes too late/, break: noFence },
  { name: 'no from-state check', noticedBy: /^from (published|failed|canceled|missed|uncertain|needs_action|scheduled) nothing/, break: noFromState },
  { name: 'a row claimed twice', noticedBy: /eight claimers/, break: doubleClaim },
  { name: 'settle in two transactions', noticedBy: /who sees the verdict/, break: settleInTwo },
  { name: 'attempts dropped when stale', noticedBy: /even when the verdict comes too late/, break: noLateEvidence },
  { name: 'a replayed settle answers stale', noticedBy: /same settle again/, break: replayIsStale },
  { name: 'a publication finished twice', noticedBy: /finished exactly once/, break: finishedTwice },
  { name: 'a quota granted once too often', noticedBy: /two hundred takes/, break: unguardedTake },
  { name: 'deliveries of one call counted once', noticedBy: /end in one call/, break: countedOnce },
  {
    name: 'attempts newest first',
    noticedBy: /oldest first$/,
    break: deliveries(({ attempts }) => ({ attempts: async (...of) => (await attempts(...of)).toReversed() })),
  },
  { name: 'attempts that outlive their delivery', noticedBy: /clean forgets finished/, break: attemptsOutlive },
  { name: 'a keyset that ends among equals', noticedBy: /coming up/, break: tiesPassedOver },
  { name: 'an OAuth state taken twice', noticedBy: /taken once by a hundred/, break: takenTwice },
  { name: 'several event readers', noticedBy: /one reader at a time/, break: manyReaders },
  { name: 'active keys not unique', noticedBy: /with one active key/, break: adds(({ id }) => ({ activeKey: id })) },
  {
    name: 'idempotency keys not kept',
    noticedBy: /with one idempotency key/,
    break: adds(() => ({}), { idempotencyKey: null }),
  },
  { name: 'a refused call half stored', noticedBy: /refuses the whole call/, break: half },
  { name: 'lanes ignored', noticedBy: /of a lane one delivery|racing in one lane|keeps its lane/, break: adds(() => ({ serialize: false })) },
  { name: 'priorities ignored', noticedBy: /compete by due time/, break: adds(() => ({ priority: 1 })) },
  {
    name: 'caps ignored',
    noticedBy: /no more of one tenant/,
    break: deliveries(({ claim }) => ({ claim: (query) => claim({ ...query, perTenant: 999, perConnection: 999 }) })),
  },
  {
    name: 'skip lists ignored',
    noticedBy: /are passed over/,
    break: deliveries(({ claim }) => ({ claim: (query) => claim({ ...query, skipTenants: [], skipConnections: [] }) })),
  },
  {
    name: 'no wake-up time',
    noticedBy: /wakeInMs is/,
    break: deliveries(({ claim }) => ({ claim: async (query) => ({ ...(await claim(query)), wakeInMs: null }) })),
  },
  { name: 'leases that are not extended', noticedBy: /extend keeps/, break: deliveries(() => ({ extend: async (held) => held.map(() => 'done' as const) })) },
  { name: 'saves that are not stored', noticedBy: /save stores/, break: deliveries(() => ({ save: async (rows) => rows.map(() => 'done' as const) })) },
  {
    name: 'a page that drops a row',
    noticedBy: /pages hold every delivery/,
    break: deliveries(({ list }) => ({
      list: async (tenant, page) => {
        const found = await list(tenant, page)
        return page.after === undefined ? found : { ...found, items: found.items.slice(1) }
      },
    })),
  },
  {
    name: 'an acknowledgment that forgets everything',
    noticedBy: /comes again, the same|comes late/,
    break: events(({ read, ack }) => ({
      ack: async () => {
        const all = await read('suite', 1000, 1)
        await ack(all.map(({ seq }) => seq))
      },
    })),
  },
  { name: 'slots that are not reserved', noticedBy: /two hundred slots/, break: (storage) => quotas(() => ({ slot: () => storage.now() }))(storage) },
  { name: 'holds that are forgotten', noticedBy: /a hold moves/, break: quotas(() => ({ hold: async () => {} })) },
  {
    name: 'a pause that nobody keeps to',
    noticedBy: /of a paused platform nothing/,
    break: (storage) => ({ ...storage, platforms: { ...storage.platforms, pause: async () => {} } }),
  },
  {
    name: 'a pause that does not end',
    noticedBy: /goes out once it is resumed/,
    break: (storage) => ({ ...storage, platforms: { ...storage.platforms, resume: async () => {} } }),
  },
  {
    name: 'a pause of everything',
    noticedBy: /paused and resumed by itself/,
    break: (storage) => ({
      ...storage,
      platforms: {
        ...storage.platforms,
        resume: async () => {
          for (const platform of await storage.platforms.paused()) await storage.platforms.resume(platform)
        },
      },
    }),
  },
  {
    name: 'a lease by name for everybody',
    noticedBy: /twenty that take one lease/,
    break: (storage) => ({ ...storage, leases: { ...storage.leases, take: async () => true } }),
  },
  {
    name: 'a lease by name that anybody ends',
    noticedBy: /until its owner lets go/,
    break: (storage) => {
      const owners = new Map<string, string>()
      return {
        ...storage,
        leases: {
          take: async (name, owner, leaseMs) => {
            const taken = await storage.leases.take(name, owner, leaseMs)
            if (taken) owners.set(name, owner)
            return taken
          },
          release: async (name) => storage.leases.release(name, owners.get(name) ?? ''),
        },
      }
    },
  },
  { name: 'leases for everybody', noticedBy: /want to refresh/, break: connections(() => ({ lease: async () => true })) },
  {
    name: 'a reconnect that nobody hears of',
    noticedBy: /a reconnect tells of it/,
    break: connections((whole) => ({ put: (grant, rows) => whole.put(grant, rows) })),
  },
  {
    name: 'a restored grant that wakes nothing',
    noticedBy: /a grant that is restored/,
    break: connections((whole) => ({
      replaceGrant: (tenant, id, version, change, more) => whole.replaceGrant(tenant, id, version, change, { ...more, wake: false }),
    })),
  },
  {
    name: 'credentials written without comparing',
    noticedBy: /fifty that replace/,
    break: uncompared,
  },
  { name: 'another deployment let in', noticedBy: /another deployment/, break: (storage) => ({ ...storage, open: () => storage.open('suite') }) },
  {
    name: 'forgetting what is not over',
    noticedBy: /keeps what is not over/,
    break: (storage) => ({ ...storage, clean: async (before, limit) => Math.max(1, await storage.clean(before, limit)) }),
  },
]
