// A server that ends well: on SIGTERM it tells the orchestrator, takes nothing new, finishes what is under way, and exits.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json, probesOf } from './health.ts'
import { logger } from './log.ts'
import type { App } from './syndikit.ts'

export interface Service {
  readonly app: App
  readonly port: number
  /** Every path but those of the probes. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /** Before the database is closed. */
  readonly stop?: () => Promise<void>
}

/** Kubernetes kills after 30 s unless it is told otherwise; the manifests say 60. Who is killed loses nothing: another worker goes on when the lease has ended. */
const mostMs = 50_000

export const serve = ({ app, port, handle, stop }: Service): void => {
  const probes = probesOf(app)
  const server = createServer(async (request, response) => {
    try {
      if (!(await probes.answer(request, response))) await handle(request, response)
    } catch (error) {
      logger.error({ path: request.url?.split('?')[0], error: error instanceof Error ? error.name : 'error' }, 'A request failed.')
      if (!response.headersSent) json(response, 500, { error: error instanceof Error ? error.message : 'error' })
    }
  })
  server.listen(port, () => logger.info({ port: (server.address() as AddressInfo).port, pid: process.pid }, 'Listening.'))
  const end = async () => {
    probes.stopping()
    setTimeout(() => process.exit(1), mostMs).unref()
    await stop?.()
    await app.close()
    server.close()
    server.closeAllConnections()
    logger.info({ pid: process.pid }, 'Stopped.')
  }
  process.once('SIGTERM', end).once('SIGINT', end)
}
