// A host's calls in its own Prisma transaction: stored with its rows, dropped with them, and a refusal in nobody's way.

import type { Syndikit } from '@syndikit/core'
import type { PrismaTransaction } from '@syndikit/storage-prisma'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'
import { databases, type Started } from './databases.ts'
import { emptied } from './emptied.ts'
import { connect, later, syndikitOn, tenant } from './host.ts'

const rolledBack = new Error('the host rolls back')

for (const { name, provider, skipped, start } of databases)
  describe.skipIf(skipped !== undefined)(`on ${name}`, () => {
    let started: Started
    let client: HostClient
    let syndikit: Syndikit
    let connectionId: string
    let made = 0
    beforeAll(async () => {
      started = await start()
      client = await clientFor(provider, started.url)
    }, 120_000)
    beforeEach(async () => {
      await emptied(client)
      await client.$executeRawUnsafe(provider === 'postgresql' ? 'delete from "Article"' : 'delete from Article')
      syndikit = syndikitOn(client)
      connectionId = await connect(syndikit)
    })
    afterAll(async () => {
      await client?.$disconnect()
      await started?.stop()
    })
    const draft = (text = `text ${++made}`) => ({ tenant, content: { text }, to: [connectionId], at: later() })
    const titles = async () => (await client.article.findMany()).map(({ title }) => title)
    const states = async () => (await syndikit.scheduler.list({ tenant })).items.map(({ state }) => state)
    const scheduled = async () => {
      const result = await syndikit.scheduler.schedule(draft())
      return 'deliveries' in result ? (result.deliveries[0]?.id ?? '') : ''
    }
    const get = (deliveryId: string) => syndikit.scheduler.get({ tenant, deliveryId })

    test('an article and its publication are stored together', async () => {
      const result = await client.$transaction(async (tx) => {
        await tx.article.create({ data: { id: 'a', title: 'kept' } })
        return syndikit.scheduler.schedule(draft(), { tx })
      })
      expect(result).toMatchObject({ status: 'scheduled', deliveries: [{ connectionId }] })
      expect([await titles(), await states()]).toEqual([['kept'], ['scheduled']])
    })

    test('an article and its publication are dropped together', async () => {
      const doing = client.$transaction(async (tx) => {
        await tx.article.create({ data: { id: 'a', title: 'dropped' } })
        await syndikit.publisher.publish({ tenant, content: { text: 'dropped' }, to: [connectionId] }, { tx })
        throw rolledBack
      })
      await expect(doing).rejects.toBe(rolledBack)
      expect([await titles(), await states()]).toEqual([[], []])
    })

    test('a refusal leaves the transaction usable, with its own rows and nothing of the refused call', async () => {
      await syndikit.scheduler.schedule({ ...draft('first'), idempotencyKey: 'key' })
      const refused = await client.$transaction(async (tx) => {
        await tx.article.create({ data: { id: 'a', title: 'before' } })
        const reused = await syndikit.scheduler.schedule({ ...draft('second'), idempotencyKey: 'key' }, { tx })
        const active = await syndikit.scheduler.scheduleAll([draft('third'), draft('first')], { tx })
        await expect(syndikit.scheduler.schedule({ ...draft(), to: ['nobody'] }, { tx })).rejects.toThrow(/no-such-connection/)
        await tx.article.create({ data: { id: 'b', title: 'after' } })
        return [reused, active]
      })
      expect(refused).toMatchObject([{ status: 'key-reused' }, { status: 'active' }])
      expect([(await titles()).toSorted(), await states()]).toEqual([['after', 'before'], ['scheduled']])
    })

    const at = new Date(Date.now() + 7_200_000)
    const calls: Readonly<Record<string, { call(deliveryId: string, tx: PrismaTransaction): Promise<unknown>; becomes: object }>> = {
      cancel: { call: (deliveryId, tx) => syndikit.scheduler.cancel({ tenant, deliveryId }, { tx }), becomes: { state: 'canceled' } },
      reschedule: { call: (deliveryId, tx) => syndikit.scheduler.reschedule({ tenant, deliveryId, at }, { tx }), becomes: { dueAt: at } },
      executeNow: { call: (deliveryId, tx) => syndikit.scheduler.executeNow({ tenant, deliveryId }, { tx }), becomes: { state: 'scheduled', rev: 2 } },
    }
    for (const [call, { call: run, becomes }] of Object.entries(calls))
      test(`${call} happens when the transaction commits, and did not where it rolls back`, async () => {
        const id = await scheduled()
        const before = await get(id)
        const doing = client.$transaction(async (tx) => {
          expect(await run(id, tx)).toEqual({ status: 'done' })
          throw rolledBack
        })
        await expect(doing).rejects.toBe(rolledBack)
        expect(await get(id)).toEqual(before)
        await client.$transaction((tx) => run(id, tx))
        expect(await get(id)).not.toEqual(before)
        expect(await get(id)).toMatchObject(becomes)
      })

    test('what one call does is seen by the next one in the same transaction', async () => {
      const deliveryId = await scheduled()
      const again = await client.$transaction(async (tx) => {
        await syndikit.scheduler.cancel({ tenant, deliveryId }, { tx })
        return syndikit.scheduler.retry({ tenant, deliveryId }, { tx })
      })
      expect(again).toMatchObject({ status: 'scheduled' })
      expect((await states()).toSorted()).toEqual(['canceled', 'scheduled'])
    })

    test('a transaction on another database is refused, and goes on', async () => {
      const other = await clientFor(provider, started.other)
      const doing = other.$transaction(async (tx) => {
        await expect(syndikit.scheduler.schedule(draft(), { tx })).rejects.toThrow(/another database/)
        await tx.article.create({ data: { id: `o${++made}`, title: 'theirs' } })
        return tx.article.findMany()
      })
      expect((await doing).at(-1)?.title).toBe('theirs')
      expect(await states()).toEqual([])
      await other.$disconnect()
    })

    test('a transaction of another client on the same database is taken', async () => {
      const beside = await clientFor(provider, started.url)
      await beside.$transaction((tx) => syndikit.scheduler.schedule(draft(), { tx }))
      expect(await states()).toEqual(['scheduled'])
      await beside.$disconnect()
    })

    test('what is no open transaction is refused with what to pass instead', async () => {
      await expect(syndikit.scheduler.schedule(draft(), { tx: client })).rejects.toThrow(/whole PrismaClient/)
      await expect(syndikit.scheduler.schedule(draft(), { tx: {} })).rejects.toThrow(/must be the transaction client/)
      await expect(syndikit.scheduler.schedule(draft(), { tx: null })).rejects.toThrow(/must be the transaction client/)
      let ended: PrismaTransaction | undefined
      await client.$transaction(async (tx) => {
        ended = tx
      })
      await expect(syndikit.scheduler.schedule(draft(), { tx: ended })).rejects.toThrow(/`tx` is over/)
    })
  })
