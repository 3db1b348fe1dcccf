// What a database driver does with platforms as a whole: pausing them, for all tenants and processes.

/**
 * While a platform is paused, `claim` gives none of its deliveries out. One that comes due is parked: it keeps its state, has no `nextAt` (an `uncertain` one is put off
 * by an hour) and costs no further claim anything. Cancel, reschedule, resolve and the writes of a worker that still holds it work as ever, and end its being parked.
 */
export interface PlatformStore {
  /** From a claim on that begins after the answer. A second time: nothing changes. */
  pause(platform: string): Promise<void>
  /**
   * Ends the pause, and parked deliveries become due: at `dueAt`, at the earliest now; rev + 1, but for `uncertain` ones. Many of them take several
   * transactions, and until the last one the platform is among `paused()`: who did not get an answer calls again.
   */
  resume(platform: string): Promise<void>
  /** In order of name. */
  paused(): Promise<string[]>
}
