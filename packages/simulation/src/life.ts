// How one process lives: its clocks, its death, its pauses.

import type { Clock } from '@syndikit/core'
import type { World } from './world.ts'

export interface Life {
  readonly name: string
  readonly clock: Clock
  readonly dead: boolean
  /** It does nothing at present. */
  readonly still: boolean
  /** How often it stood still, or did not get an answer of the database. */
  troubles: number
  die(why: string): void
  /** Stopped and continued: nothing of it goes on in between, the clocks do. */
  pause(ms: number): void
  /** The machine slept: as a pause, but its monotonic clock stood still. */
  suspend(ms: number): void
  /** The wall clock alone jumps. */
  jump(ms: number): void
  /** Resolves when it goes on; never once it is dead. */
  going(): Promise<void> | undefined
}

export const newLife = (world: Pick<World, 'clock' | 'note' | 'faults'>, name: string, skewMs: number): Life => {
  const { clock, note } = world
  let [dead, pausedUntil, ahead, asleep] = [false, 0, skewMs, 0]
  let wentBack = false
  const startedAt = clock.now()
  const standing = async (): Promise<void> => {
    while (!dead && pausedUntil > clock.now()) await clock.sleep(pausedUntil - clock.now())
    if (dead) await new Promise(() => undefined)
  }
  const going = () => (life.still ? standing() : undefined)
  const befalls = (what: string) => {
    life.troubles += 1
    world.faults += 1
    note(`${name} ${what}`)
  }
  const life: Life = {
    name,
    get dead() {
      return dead
    },
    get still() {
      return dead || pausedUntil > clock.now()
    },
    troubles: 0,
    clock: {
      now: () => clock.now() + ahead,
      elapsed: () => clock.now() - startedAt - asleep,
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal)
        await going()
      },
    },
    die: (why) => {
      dead = true
      befalls(`dies: ${why}`)
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.now()) + ms
      befalls(`stands still for ${ms / 1_000} s`)
    },
    // Both at once would leave no clock that saw the time go by, which is a bound that the documentation names.
    suspend: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.now()) + ms
      if (!wentBack) asleep += ms
      befalls(`is suspended for ${ms / 1_000} s`)
    },
    jump: (ms) => {
      if (ms < 0 && asleep > 0) return
      wentBack ||= ms < 0
      ahead += ms
      befalls(`has its wall clock moved by ${ms / 1_000} s`)
    },
    going,
  }
  return life
}
