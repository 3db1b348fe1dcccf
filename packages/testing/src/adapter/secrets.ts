// What must be told nowhere: every credential that goes over the wire, in headers, in bodies and in the answers to log-ins.

import assert from 'node:assert/strict'
import { tenant } from './acts.ts'
import type { Stage } from './stage.ts'

const isSecret = (name: string): boolean => /token|secret|password|jwt|verifier|assertion/i.test(name)
/** Shorter ones, such as the type of a token, are words of the platform. */
const leastLength = 8

const fieldsOf = (type: string, text: string): [string, unknown][] => {
  if (type.includes('x-www-form-urlencoded')) return [...new URLSearchParams(text)]
  if (!type.includes('json')) return []
  try {
    return Object.entries((JSON.parse(text) ?? {}) as object)
  } catch {
    return []
  }
}

const inHeader = ({ headers }: Request): string | undefined => /^(?:Bearer|Basic|DPoP) +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1]

/** Gathers them from requests and answers as these go by. */
export const secretsSeen = (): { readonly seen: ReadonlySet<string>; note(message: Request | Response): Promise<void> } => {
  const seen = new Set<string>()
  const note = async (message: Request | Response): Promise<void> => {
    const header = message instanceof Request ? inHeader(message) : undefined
    if (header !== undefined) seen.add(header)
    const type = message.headers.get('content-type') ?? ''
    if (!/json|x-www-form-urlencoded/.test(type)) return
    for (const [name, value] of fieldsOf(type, await message.clone().text()))
      if (isSecret(name) && typeof value === 'string' && value.length >= leastLength) seen.add(value)
  }
  return { seen, note }
}

/** The words around it, without it. */
const around = (text: string, secret: string): string => {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 80), at + secret.length + 40).replaceAll(secret, '[secret]')
}

/** Nothing that a host could read holds a credential: deliveries with all that explains them, connections, events, logs. */
export const assertSecretsInside = async (stage: Stage, what: string): Promise<void> => {
  const { storage, clock, logs, secrets } = stage
  const { syndikit } = stage.reborn() // the process itself may be dead
  const { items } = await storage.deliveries.list(tenant, { limit: 100 })
  const told = {
    'an explanation': await clock.drive(Promise.all(items.map(({ id }) => syndikit.explain({ tenant, deliveryId: id })))),
    'a delivery': items,
    'a connection': (await storage.connections.list(tenant, { limit: 100 })).items,
    'an event': await storage.events.read('suite', 1_000, 1),
    'a log line': logs,
  }
  for (const [where, value] of Object.entries(told)) {
    const text = JSON.stringify(value)
    for (const secret of secrets()) assert.ok(!text.includes(secret), `${what}: a credential is told in ${where}: …${around(text, secret)}…`)
  }
}
