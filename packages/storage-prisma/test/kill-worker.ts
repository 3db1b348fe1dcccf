// A host that stores an article and its publication in one transaction, and is killed on the way. Started by kill.test.ts.
import type { PrismaTransaction, Provider } from '@syndikit/storage-prisma'
import { clientFor } from './clients.ts'
import { syndikitOn, tenant } from './host.ts'

export interface Order {
  readonly provider: Provider
  readonly url: string
  readonly connectionId: string
  readonly text: string
  /** Before the n-th statement of the call; when the host's function has ended, so the commit is to come, after some milliseconds; when the commit was answered; or never. */
  readonly dieAt: number | 'commit' | 'committed' | 'never'
  readonly afterMs?: number
}

const die = () => process.kill(process.pid, 'SIGKILL')

const mortal = (tx: PrismaTransaction, dieAt: Order['dieAt']): { readonly tx: PrismaTransaction; sent(): number } => {
  let sent = 0
  const counting =
    <T>(send: (sql: string, ...values: unknown[]) => PromiseLike<T>) =>
    async (sql: string, ...values: unknown[]): Promise<T> => {
      if (++sent === dieAt) {
        die()
        // The signal is on its way.
        await new Promise(() => setInterval(() => {}, 1_000))
      }
      return send(sql, ...values)
    }
  return {
    tx: {
      $queryRawUnsafe: counting((sql, ...values) => tx.$queryRawUnsafe(sql, ...values)),
      $executeRawUnsafe: counting((sql, ...values) => tx.$executeRawUnsafe(sql, ...values)),
    },
    sent: () => sent,
  }
}

const run = async ({ provider, url, connectionId, text, dieAt, afterMs = 0 }: Order): Promise<number> => {
  const client = await clientFor(provider, url)
  const syndikit = syndikitOn(client)
  await syndikit.open()
  const sent = await client.$transaction(async (tx) => {
    await tx.article.create({ data: { id: text, title: text } })
    const watched = mortal(tx, dieAt)
    const result = await syndikit.scheduler.schedule({ tenant, content: { text }, to: [connectionId], at: new Date(Date.now() + 300) }, { tx: watched.tx })
    if (result.status !== 'scheduled') throw new Error(result.status)
    if (dieAt === 'commit') setTimeout(die, afterMs)
    return watched.sent()
  })
  if (dieAt === 'committed') die()
  await client.$disconnect()
  return sent
}

const order = process.argv[2]
if (order !== undefined && import.meta.filename === process.argv[1]) {
  console.log(await run(JSON.parse(order) as Order))
  process.exit(0)
}
