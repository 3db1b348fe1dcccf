// The app: users connect accounts and schedule posts here. It sends nothing itself: workers do.
//
//   node app.ts

import type { IncomingMessage, ServerResponse } from 'node:http'
import { json as body } from 'node:stream/consumers'
import { PublishError } from '@syndikit/core'
import { z } from 'zod'
import { json } from './health.ts'
import { serve } from './serve.ts'
import { settingsOf } from './settings.ts'
import { syndikitOf } from './syndikit.ts'

const settings = settingsOf(process.env)
const app = syndikitOf(settings)

/** Yours is whoever is logged in. It must never come from the request itself, as it does in this example. */
const tenantOf = ({ headers }: IncomingMessage): string => String(headers['x-tenant'] ?? 'example')

const login = z.strictObject({ platform: z.string(), fields: z.record(z.string(), z.string()), server: z.string().optional() })
const post = z.strictObject({
  text: z.string(),
  to: z.array(z.string()).min(1),
  /** ISO 8601 with offset; absent: now. */
  at: z.iso.datetime({ offset: true }).optional(),
  /** The same key again is the same post: a client that got no answer asks again. */
  idempotencyKey: z.string().optional(),
})

type Handle = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void>

const routes: Record<string, Handle> = {
  /** An app password or a token that the user typed. */
  'POST /connections': async (request, response) => {
    const connections = await app.connections.open({ tenant: tenantOf(request), ...login.parse(await body(request)) })
    json(response, 201, { connections })
  },
  /** OAuth: sends the browser to the platform's page, which sends it back to /callback. */
  'GET /connect': async (request, response, query) => {
    const redirectUri = new URL('/callback', settings.PUBLIC_URL).href
    const { url } = await app.connections.begin({
      tenant: tenantOf(request),
      platform: query.get('platform') ?? '',
      redirectUri,
      server: query.get('server') ?? undefined,
    })
    response.writeHead(303, { location: url }).end()
  },
  'GET /callback': async (request, response) => {
    const callbackUrl = new URL(request.url ?? '', settings.PUBLIC_URL)
    json(response, 201, { connections: await app.connections.complete({ tenant: tenantOf(request), callbackUrl }) })
  },
  'POST /posts': async (request, response) => {
    const { text, at, ...rest } = post.parse(await body(request))
    const draft = { tenant: tenantOf(request), content: { text }, ...rest }
    const result = at === undefined ? await app.publisher.publish(draft) : await app.scheduler.schedule({ ...draft, at: new Date(at) })
    json(response, 'publicationId' in result ? 202 : 409, result)
  },
  'GET /deliveries': async (request, response, query) => {
    json(response, 200, await app.scheduler.list({ tenant: tenantOf(request), publicationId: query.get('publicationId') ?? undefined }))
  },
}

const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', settings.PUBLIC_URL)
  const route = routes[`${request.method} ${pathname}`]
  if (!route) return json(response, 404, { error: `Use one of ${Object.keys(routes).join(', ')}.` })
  try {
    await route(request, response, searchParams)
  } catch (error) {
    if (error instanceof z.ZodError) json(response, 400, { error: z.prettifyError(error) })
    else if (PublishError.is(error)) json(response, 422, { error: error.message, problems: error.problems })
    else throw error
  }
}

// Fails now rather than with the first user: a database of another deployment, a Redis that evicts.
await app.open()
serve({ app, port: settings.PORT, handle })
