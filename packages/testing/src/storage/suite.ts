// The conformance suite of storages: what core relies on, tried on any implementation, with any test runner.

import { setTimeout } from 'node:timers/promises'
import type { Storage } from '@syndikit/core'
import { addingRules } from './adding.ts'
import { claimingRules } from './claiming.ts'
import { cleaningRules } from './cleaning.ts'
import { connectionRules } from './connections.ts'
import { eventRules } from './events.ts'
import { grantRules } from './grants.ts'
import { handsRules } from './hands.ts'
import { holdingRules } from './holding.ts'
import { laneRules } from './lanes.ts'
import { leaseRules } from './leases.ts'
import { listRules } from './lists.ts'
import { openingRules } from './opening.ts'
import { orderingRules } from './ordering.ts'
import { platformRules } from './platforms.ts'
import { quotaRules } from './quotas.ts'
import { createScene, type Rule } from './scene.ts'
import { settlingRules } from './settling.ts'
import { tenantRules } from './tenants.ts'
import { textRules } from './texts.ts'

const rules: readonly Rule[] = [
  ...openingRules,
  ...addingRules,
  ...claimingRules,
  ...orderingRules,
  ...holdingRules,
  ...settlingRules,
  ...handsRules,
  ...tenantRules,
  ...eventRules,
  ...quotaRules,
  ...leaseRules,
  ...platformRules,
  ...laneRules,
  ...connectionRules,
  ...grantRules,
  ...listRules,
  ...textRules,
  ...cleaningRules,
]

/** A storage to try. */
export interface StorageSuite {
  /** Of the test runner: `test` of vitest or of node:test. Called once per rule. */
  readonly test: (name: string, run: () => Promise<void>) => void
  /**
   * An empty storage, not opened yet; asked once per rule, and closed by the suite. Several are instances on one database, as of several processes:
   * the suite then calls another one each time.
   */
  readonly open: () => Storage | readonly Storage[] | Promise<Storage | readonly Storage[]>
  /** Lets so many milliseconds of the database's clock pass. Default: waits for them. With a clock of your own, turn it here. */
  readonly wait?: (ms: number) => Promise<void>
  /** Rules by name that this storage does not keep, each with the reason. An unknown name is refused, so that the list cannot outlive its rules. */
  readonly except?: Readonly<Record<string, string>>
}

const checkExcept = (except: Readonly<Record<string, string>>): void => {
  for (const [name, reason] of Object.entries(except)) {
    if (!rules.some((rule) => rule.name === name)) throw new TypeError(`testStorage: \`except\` names no rule of this suite: "${name}".`)
    if (reason.trim() === '') throw new TypeError(`testStorage: \`except\` must say why "${name}" is not kept.`)
  }
}

/** Registers one test per rule of the `Storage` contract. A storage that passes carries core; every driver of this repository is held to it. */
export const testStorage = ({ test, open, wait = setTimeout, except = {} }: StorageSuite): void => {
  checkExcept(except)
  for (const { name, run } of rules) {
    if (name in except) continue
    test(name, async () => {
      const storages = [await open()].flat()
      if (storages.length === 0 || storages.some((storage) => typeof storage?.open !== 'function'))
        throw new TypeError('testStorage: `open` gave no storage. Let it answer one that is empty and not opened yet, or several on one database.')
      try {
        for (const storage of storages) await storage.open('suite')
        await run(
          createScene(storages, async (ms) => {
            await wait(ms)
          }),
        )
      } finally {
        for (const storage of storages) await storage.close()
      }
    })
  }
}
