// What bull-board answers of a queue, without a server in between.
import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { AppControllerRoute, BullBoardQueues, BullBoardRequest, IServerAdapter } from '@bull-board/api/typings/app'
import { expect } from 'vitest'
import type { BullmqQueue } from '../src/index.ts'
import { hintsIn } from './watch.ts'

/** A server adapter without a server: keeps what bull-board would answer. */
const adapterInto = (seen: { queues?: BullBoardQueues; routes: readonly AppControllerRoute[] }): IServerAdapter => {
  const adapter = {
    setQueues: (queues: BullBoardQueues) => {
      seen.queues = queues
      return adapter
    },
    setViewsPath: () => adapter,
    setStaticPath: () => adapter,
    setEntryRoute: () => adapter,
    setErrorHandler: () => adapter,
    setApiRoutes: (routes: readonly AppControllerRoute[]) => {
      seen.routes = routes
      return adapter
    },
    setUIConfig: () => adapter,
  }
  return adapter as unknown as IServerAdapter
}

const boardOf = (queue: BullmqQueue) => {
  const seen: Parameters<typeof adapterInto>[0] = { routes: [] }
  createBullBoard({ queues: [new BullMQAdapter(queue.bull)], serverAdapter: adapterInto(seen) })
  const ask = async (route: string, query: Record<string, string> = {}, params: Record<string, string> = {}) => {
    const found = seen.routes.find((one) => one.route === route && one.method === 'get')
    if (!found || !seen.queues) throw new Error(`bull-board has no route ${route}: ${seen.routes.map((one) => one.route).join(' ')}`)
    const request: BullBoardRequest = { queues: seen.queues, query, params, body: {}, headers: {}, uiConfig: {} }
    return (await found.handler(request)).body as Record<string, unknown>
  }
  return { ask }
}

/** The queue, its jobs and one of them, as bull-board shows them. */
export const shownOnBoard = async (queue: BullmqQueue): Promise<void> => {
  await queue.open()
  await queue.hint([60_000, 61_000, 62_000].flatMap((ms) => hintsIn(ms)))
  const { ask } = boardOf(queue)
  const { queues } = (await ask('/api/queues', { activeQueue: queue.bull.name, status: 'delayed', page: '1' })) as {
    queues: { name: string; counts: Record<string, number>; jobs: { id: string; name: string; delay: number }[] }[]
  }
  expect(queues.map(({ name }) => name)).toEqual([queue.bull.name])
  expect(queues[0]?.counts.delayed).toBe(3)
  expect(queues[0]?.jobs.map(({ name }) => name)).toEqual(['due', 'due', 'due'])
  const id = queues[0]?.jobs[0]?.id ?? ''
  const { job } = (await ask('/api/queues/:queueName/:jobId', {}, { queueName: queue.bull.name, jobId: id })) as { job: { id: string } }
  expect(job.id).toBe(id)
}
