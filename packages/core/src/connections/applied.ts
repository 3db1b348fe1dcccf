// How a grant's credentials go onto a call. Pure.

import { type Applied, Secret } from '../contract/auth.ts'
import { authOf } from './deps.ts'
import { secretsOf } from './login.ts'
import type { Opened } from './open-grant.ts'

export const appliedOf = ({ adapter, data, credentials }: Pick<Opened, 'adapter' | 'data' | 'credentials'>): Applied => {
  if (data.method !== 'keys') return credentials.access === undefined ? {} : { bearer: credentials.access }
  const { apply } = authOf(adapter, 'keys')
  if (apply) return apply(secretsOf(credentials.fields))
  const { token } = credentials.fields
  return token === undefined ? {} : { bearer: token }
}

/** What an adapter's run may see: what the user typed and, after a log-in, the access token as it is at that moment. Never a refresh token. */
export const shownCredentials = (now: () => Opened): Readonly<Record<string, Secret>> => {
  const { data, credentials } = now()
  const shown: Record<string, Secret> = data.method === 'oauth2' ? {} : secretsOf(credentials.fields)
  if (data.method === 'session') Object.defineProperty(shown, 'access', { enumerable: true, get: () => new Secret(now().credentials.access ?? '') })
  return shown
}
