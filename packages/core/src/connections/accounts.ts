// The accounts that a grant opens, as the adapter reads them: checked, and with their tokens taken out.

import type { Adapter } from '../contract/adapter.ts'
import type { Account } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Http } from '../contract/http.ts'
import type { Vault } from '../vault/vault.ts'

interface Asked {
  readonly http: Http
  readonly server?: string | undefined
  readonly fields: Readonly<Record<string, string>>
}

/** At least one, no id twice. */
export const readAccounts = async (adapter: Adapter, { http, server, fields }: Asked): Promise<Account[]> => {
  const typed = Object.keys(fields).length > 0
  const accounts = await adapter.accounts({ http, ...(server !== undefined && { server }), ...(typed && { fields }) })
  const wrong = accounts.some(({ id, name }) => typeof id !== 'string' || id === '' || typeof name !== 'string')
  if (wrong) throw new PublishError('unknown', `${adapter.name}: it named an account without an id or a name.`, { platform: adapter.id })
  if (accounts.length === 0) {
    throw new PublishError('permission', `${adapter.name}: this consent opens no account to publish to. Give access to at least one, then connect again.`, {
      platform: adapter.id,
    })
  }
  return [...new Map(accounts.map((account) => [account.id, account])).values()]
}

/** The columns of a connection that come from its account. */
export const columnsOf = (vault: Pick<Vault, 'sealAccount'>, grant: Pick<Grant, 'tenant' | 'id' | 'dataKey'>, { token, ...account }: Account) => ({
  name: account.name,
  data: JSON.stringify(account),
  sealed: token === undefined ? null : vault.sealAccount(grant, account.id, token),
})
