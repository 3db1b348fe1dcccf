// Paused platforms in memory, and the deliveries that are parked meanwhile.

import type { PlatformStore } from '../contract/platform-store.ts'
import { byText, type DeliveryRow, type Tables } from './tables.ts'

const putOffMs = 3_600_000

export const isPaused = (tables: Tables, { platform }: DeliveryRow): boolean => tables.paused.has(platform)

export const park = (tables: Tables, row: DeliveryRow): void => {
  row.nextAt = row.state === 'uncertain' ? tables.now() + putOffMs : null
  row.parked = true
}

const unpark = (tables: Tables, row: DeliveryRow): void => {
  const now = tables.now()
  row.parked = false
  row.nextAt = row.state === 'uncertain' ? now : Math.max(row.dueAt, now)
  if (row.state !== 'uncertain') row.rev++
}

export const memoryPlatforms = (tables: Tables): PlatformStore => ({
  pause: async (platform) => {
    tables.paused.add(platform)
  },
  resume: async (platform) => {
    tables.paused.delete(platform)
    for (const row of tables.deliveries.values()) if (row.parked && row.platform === platform) unpark(tables, row)
  },
  paused: async () => [...tables.paused].sort(byText),
})
