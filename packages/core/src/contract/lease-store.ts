// What a database driver does with leases by name: one process at a time does this.

/** For work that one process at a time should do, and that does no harm if two do it: a lease is no fence, and who was paused past its end does not know. */
export interface LeaseStore {
  /** True: it is this owner's until `leaseMs` from now. It was free, had ended, or was this owner's already. False: another one holds it. Of many at once one gets it. */
  take(name: string, owner: string, leaseMs: number): Promise<boolean>
  /** Gives it back before its end. Does nothing where another one holds it. */
  release(name: string, owner: string): Promise<void>
}
