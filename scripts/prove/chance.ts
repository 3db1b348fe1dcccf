// Seeded chance: the same seed, the same decisions.

/** mulberry32: 0 ≤ x < 1. */
export type Chance = () => number

export const chanceOf = (seed: number): Chance => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const between = (chance: Chance, least: number, most: number): number => Math.round(least + chance() * (most - least))

export const oneOf = <T>(chance: Chance, all: readonly T[]): T => all[Math.floor(chance() * all.length)] as T

/** A key of the table, as often as its weight says. */
export const weighted = <K extends string>(chance: Chance, weights: Readonly<Partial<Record<K, number>>>): K => {
  const all = Object.entries(weights) as [K, number][]
  let left = chance() * all.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight] of all) {
    left -= weight
    if (left < 0) return name
  }
  return (all.at(-1) as [K, number])[0]
}
