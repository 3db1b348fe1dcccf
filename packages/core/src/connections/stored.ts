// What a grant's row holds: open data, and credentials by name.

import type { Auth, Secret } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'

/** The column `data`. Nothing in it is secret. */
export interface GrantData {
  readonly method: Auth['type']
  /** Where later calls go, on platforms with many servers. */
  readonly server?: string | undefined
  /** Where the user logged in, when that is another place. */
  readonly loginServer?: string | undefined
  /** Which registered OAuth client it is. */
  readonly redirectUri?: string | undefined
  /** When the access token was got, by the database's clock. */
  readonly issuedAt: number
  /** When `accounts()` was last read. */
  readonly readAt: number
  /** The access token replaces one that the platform had refused. */
  readonly rejectedAt?: number | undefined
}

export const dataOf = (grant: Pick<Grant, 'data'>): GrantData => JSON.parse(grant.data) as GrantData

export interface Credentials {
  readonly access?: string
  readonly refresh?: string
  /** What the user typed. */
  readonly fields: Readonly<Record<string, string>>
}

const fieldMark = 'field:'

export const toSealed = ({ access, refresh, fields }: Credentials): Record<string, string> => ({
  ...(access !== undefined && { access }),
  ...(refresh !== undefined && { refresh }),
  ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [fieldMark + name, value])),
})

export const fromSealed = (opened: Readonly<Record<string, Secret>>): Credentials => {
  const fields = Object.entries(opened).filter(([name]) => name.startsWith(fieldMark))
  return {
    ...(opened.access && { access: opened.access.reveal() }),
    ...(opened.refresh && { refresh: opened.refresh.reveal() }),
    fields: Object.fromEntries(fields.map(([name, secret]) => [name.slice(fieldMark.length), secret.reveal()])),
  }
}
