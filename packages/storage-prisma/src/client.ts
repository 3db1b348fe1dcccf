// What is asked of a PrismaClient, by shape: the host's own, generated with our models, of whatever version.

/** Of a client or of an open transaction: SQL as it is. */
interface RawQueries {
  $queryRawUnsafe(query: string, ...values: unknown[]): PromiseLike<unknown>
  $executeRawUnsafe(query: string, ...values: unknown[]): PromiseLike<number>
}

/** `tx` of `prisma.$transaction(async (tx) => …)`. */
export interface PrismaTransaction extends RawQueries {}

/** Our models by the names that a generated client gives them. */
export const modelNames = [
  'syndikitMeta',
  'syndikitGrant',
  'syndikitConnection',
  'syndikitOauthState',
  'syndikitOauthClient',
  'syndikitPublication',
  'syndikitDelivery',
  'syndikitAttempt',
  'syndikitPlacement',
  'syndikitEvent',
  'syndikitQuota',
  'syndikitSlot',
  'syndikitPause',
  'syndikitLane',
  'syndikitLease',
] as const

type Models = { readonly [name in (typeof modelNames)[number]]: { findMany(...args: never[]): unknown } }

interface Transactions {
  $transaction<R>(run: (tx: PrismaTransaction) => Promise<R>, options?: { maxWait?: number; timeout?: number; isolationLevel?: 'ReadCommitted' }): Promise<R>
}

/** A PrismaClient, extended or not, that was generated with Syndikit's models. One without them is a compile error: run `npx @syndikit/storage-prisma add`. */
export interface PrismaWithSyndikit extends RawQueries, Transactions, Models {}

const isFunction = (value: unknown): boolean => typeof value === 'function'

/** Throws for what is no such client. */
export const checkClient = (prisma: unknown): void => {
  const client = prisma as Partial<PrismaWithSyndikit> | null | undefined
  const isClient = isFunction(client?.$queryRawUnsafe) && isFunction(client?.$executeRawUnsafe) && isFunction(client?.$transaction)
  if (!client || !isClient) throw new TypeError('prismaStorage: `prisma` must be your PrismaClient: `prismaStorage(new PrismaClient({ adapter }))`.')
  const lacking = modelNames.filter((name) => !isFunction(client[name]?.findMany))
  if (lacking.length > 0)
    throw new TypeError(
      `prismaStorage: this PrismaClient was generated without ${lacking.length === modelNames.length ? "Syndikit's models" : lacking.join(', ')}. ` +
        'Run `npx @syndikit/storage-prisma add`, which puts them into your Prisma schema, and then `npx prisma generate`.',
    )
}

/** Throws for what cannot carry a call. */
export const checkTransaction = (tx: unknown): void => {
  const client = tx as (Partial<PrismaTransaction> & { $disconnect?: unknown }) | null | undefined
  if (!isFunction(client?.$queryRawUnsafe) || !isFunction(client?.$executeRawUnsafe))
    throw new TypeError('prismaStorage: `tx` must be the transaction client that `prisma.$transaction(async (tx) => …)` gives to your function.')
  // The client of a transaction cannot end the connection; in some releases it can begin a transaction within.
  if (isFunction(client?.$disconnect))
    throw new TypeError('prismaStorage: `tx` is a whole PrismaClient, so nothing would hold its writes together. Pass the `tx` that `$transaction` gives you.')
}
