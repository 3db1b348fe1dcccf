// The endpoints below /_sandbox/: what a test or a script in another process may ask of a sandbox.

import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { FaultRule } from '../contract.ts'
import type { RunningSandbox } from '../sandbox.ts'
import { type Answer, bodyOf, json } from './exchange.ts'

const maxControlBytes = 1024 * 1024
const order = z.strictObject({ platform: z.string(), what: z.enum(['expire', 'revoke', 'process']) })

type Handler = (sandbox: RunningSandbox, body: () => Promise<unknown>) => Promise<Answer> | Answer

const endpoints: Readonly<Record<string, Handler>> = {
  'GET health': (sandbox) => json(200, { ok: true, platforms: sandbox.platforms.map(({ platform, name, hosts }) => ({ platform, name, hosts })) }),
  'GET visible': (sandbox) => json(200, sandbox.visible()),
  'GET requests': (sandbox) => json(200, sandbox.requests),
  'GET faults': ({ faults }) => json(200, { waiting: faults.waiting, log: faults.log }),
  'POST faults': async ({ faults }, body) => {
    // What was parsed from JSON is checked by `add` as anything else.
    faults.add((await body()) as FaultRule | FaultRule[])
    return json(200, { waiting: faults.waiting })
  },
  'DELETE faults': ({ faults }) => {
    faults.clear()
    return json(200, { waiting: faults.waiting })
  },
  'POST act': async (sandbox, body) => {
    const { platform, what } = parsed(order, await body())
    await sandbox.act(platform, what)
    return json(200, { ok: true })
  },
  'POST reset': async (sandbox) => {
    await sandbox.reset()
    return json(200, { ok: true })
  },
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new TypeError(z.prettifyError(result.error))
  return result.data
}

async function readJson(message: IncomingMessage): Promise<unknown> {
  const body = bodyOf(message, maxControlBytes)
  const text = await new Response(body.stream).text().catch((cause: unknown) => {
    throw new TypeError(`The body is larger than ${maxControlBytes} bytes.`, { cause })
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TypeError('The body is not JSON.', { cause })
  }
}

/** A page of another origin must not be able to change what people see here. */
const isForeign = ({ headers: { origin, host } }: IncomingMessage): boolean => origin !== undefined && origin !== `http://${host}`

/** A bad request is a 400 that says what is wrong. */
export async function control(sandbox: RunningSandbox, message: IncomingMessage, path: string): Promise<Answer> {
  const { method = 'GET' } = message
  const name = path.replace(/^\/_sandbox\//, '')
  const handler = Object.hasOwn(endpoints, `${method} ${name}`) ? endpoints[`${method} ${name}`] : undefined
  if (!handler) {
    const allowed = Object.keys(endpoints).flatMap((endpoint) => (endpoint.endsWith(` ${name}`) ? endpoint.split(' ').slice(0, 1) : []))
    if (allowed.length > 0) return json(405, { error: 'method', message: `/_sandbox/${name} takes ${allowed.join(' and ')}.` }, [['allow', allowed.join(', ')]])
    return json(404, {
      error: 'unknown_endpoint',
      message: `There is ${Object.keys(endpoints)
        .map((endpoint) => endpoint.replace(' ', ' /_sandbox/'))
        .join(', ')}.`,
    })
  }
  if (method !== 'GET' && isForeign(message)) return json(403, { error: 'origin', message: 'Pages of other origins may not control the sandbox.' })
  try {
    return await handler(sandbox, () => readJson(message))
  } catch (error) {
    if (error instanceof TypeError) return json(400, { error: 'invalid', message: error.message })
    throw error
  }
}
