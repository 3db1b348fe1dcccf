// Which database a client speaks to, and what that means for us.

import type { DialectName } from '@syndikit/storage-sql'

const dialects = { postgresql: 'postgres', mysql: 'mysql', sqlite: 'sqlite' } as const satisfies Record<string, DialectName>
/** A database that Prisma and Syndikit both speak, by Prisma's name. MariaDB is `mysql`. */
export type Provider = keyof typeof dialects
export const providers = Object.keys(dialects) as readonly Provider[]

export const dialectOf = (provider: Provider): (typeof dialects)[Provider] => dialects[provider]

const isProvider = (name: unknown): name is Provider => (providers as readonly unknown[]).includes(name)

const choices = providers.map((name) => `'${name}'`).join(', ')

/** What the client says of itself is no public word of Prisma's, so it may be missing in a release to come. */
export const providerOf = (prisma: object, given: unknown): Provider => {
  const told = '_activeProvider' in prisma ? prisma._activeProvider : undefined
  const named = told === 'postgres' ? 'postgresql' : told
  if (given !== undefined && !isProvider(given))
    throw new TypeError(`prismaStorage: \`provider\` is one of ${choices}, as in the datasource of your Prisma schema, not ${JSON.stringify(given)}.`)
  if (isProvider(given) && isProvider(named) && given !== named)
    throw new TypeError(`prismaStorage: \`provider\` is '${given}', but this PrismaClient was generated for '${named}'. Leave \`provider\` out.`)
  if (isProvider(given)) return given
  if (isProvider(named)) return named
  if (typeof named === 'string')
    throw new TypeError(`prismaStorage: this PrismaClient was generated for ${named}, which Syndikit does not speak. It speaks ${choices}.`)
  throw new TypeError(`prismaStorage: this PrismaClient does not tell which database it is for. Set \`provider\` to one of ${choices}.`)
}
