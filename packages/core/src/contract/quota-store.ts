// What a database driver does with platform limits: counting windows and pacing.

/** A counting window. App-wide ones have the tenant `''`. */
export interface Bucket {
  readonly tenant: string
  readonly key: string
  readonly limit: number
  readonly windowMs: number
}
/** Windows and pacing, for all processes on the database. */
export interface QuotaStore {
  /** All buckets or none, in fixed windows. Refused: when the last full window ends. */
  take(buckets: readonly Bucket[]): Promise<{ readonly ok: true } | { readonly ok: false; readonly retryAt: number }>
  /** Pacing: reserves the next slot of a connection and answers its instant; now or past = go. */
  slot(tenant: string, connectionId: string, intervalMs: number): Promise<number>
  /** The platform said wait: no slot of this connection before `until`. Never moves it back. */
  hold(tenant: string, connectionId: string, until: number): Promise<void>
  /** What the platform's headers say is true for the window that ends at `endsAt`. */
  correct(bucket: Bucket, used: number, endsAt: number): Promise<void>
}
