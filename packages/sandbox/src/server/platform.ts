// Requests below /at/HOST/: on to the platform's emulator, and its answer back.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { markHeader } from '../run/hosts.ts'
import type { RunningSandbox } from '../sandbox.ts'
import { realUrl } from './address.ts'
import { type Answer, type Body, bodyOf, json, requestOf } from './exchange.ts'
import { localHeaders, localHtml, type Place } from './rewrite.ts'

const tooLarge = (maxBytes: number): Answer =>
  json(413, { error: 'body_too_large', message: `The body is larger than ${maxBytes} bytes. Raise \`maxBodyBytes\` of serveSandbox.` }, [
    [markHeader, 'body-too-large'],
  ])

async function answerOf(reply: Response, place: Place, asIs: boolean): Promise<Answer> {
  const bytes = new Uint8Array(await reply.arrayBuffer())
  if (asIs) return { status: reply.status, headers: [...reply.headers], body: bytes }
  const isHtml = /^text\/html\b/i.test(reply.headers.get('content-type') ?? '')
  return { status: reply.status, headers: localHeaders(reply.headers, place), body: isHtml ? localHtml(new TextDecoder().decode(bytes), place) : bytes }
}

const goneSignal = (response: ServerResponse): AbortSignal => {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  return gone.signal
}

async function pass(sandbox: RunningSandbox, message: IncomingMessage, request: Request, body: Body, maxBytes: number): Promise<Answer> {
  const { host } = new URL(request.url)
  const reply = await sandbox.fetch(request)
  if (body.tooLarge()) return tooLarge(maxBytes)
  return answerOf(reply, { host, knows: sandbox.knows }, message.headers[markHeader] === 'as-is')
}

/** Rejects where the connection is to break without an answer. */
export async function atPlatform(sandbox: RunningSandbox, message: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Answer> {
  const url = realUrl(message.url ?? '')
  if (!url) return json(400, { error: 'address', message: 'Below /at/ there is a host name and a path: /at/api.x.com/2/tweets.' })
  const body = bodyOf(message, maxBytes)
  let request: Request
  try {
    request = requestOf(message, url, body, goneSignal(response))
  } catch (error) {
    return json(400, { error: 'request', message: (error as Error).message })
  }
  if (body.tooLarge()) {
    body.drain()
    return tooLarge(maxBytes)
  }
  const answer = await pass(sandbox, message, request, body, maxBytes)
  body.drain()
  return answer
}
