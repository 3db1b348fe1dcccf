// A very large upload goes through client and server in flat memory.

import { readFileSync } from 'node:fs'
import { sandboxFetch } from '@syndikit/sandbox'
import { expect, test } from 'vitest'
import { projectWithToy, runCli, temporaryFolder, urlOf } from './support.ts'
import { ask } from './toy.ts'

const megabyte = 1024 * 1024

/** Highest memory the process ever had, in bytes. Linux only. */
const peakOf = (pid: number | 'self'): number => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

test.runIf(process.platform === 'linux').each(['in memory', 'with a folder'])(
  '500 MB, %s: neither side grows by more than 150 MB',
  { timeout: 60_000 },
  async (where) => {
    const server = runCli(projectWithToy(), '--json', '--port', '0', ...(where === 'in memory' ? [] : ['--dir', temporaryFolder()]))
    const fetch = sandboxFetch(await urlOf(server))
    const pid = server.process.pid ?? 0
    await fetch(ask('/upload', { method: 'POST', body: new Uint8Array(megabyte) }))
    const [before, ownBefore] = [peakOf(pid), peakOf('self')]
    let left = 500
    const body = new ReadableStream({ pull: (stream) => (left-- > 0 ? stream.enqueue(new Uint8Array(megabyte)) : stream.close()) })
    const reply = await fetch(ask('/upload', { method: 'POST', body, duplex: 'half' }))
    expect(await reply.json()).toEqual({ bytes: 500 * megabyte, key: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect((peakOf(pid) - before) / megabyte).toBeLessThan(150)
    expect((peakOf('self') - ownBefore) / megabyte).toBeLessThan(150)
  },
)
