// Redis without a file: what it holds is gone when it ends, which is the worst that can happen to a queue.

import { programOf } from './programs.ts'
import { type Server, startServer } from './server.ts'

/** @param settings of `redis.conf`, such as `{ 'maxmemory-policy': 'allkeys-lru' }`. */
export const startRedis = (settings: Readonly<Record<string, string>> = {}): Promise<Server> => {
  const all = { bind: '127.0.0.1', save: '', appendonly: 'no', 'maxmemory-policy': 'noeviction', ...settings }
  return startServer({
    name: 'redis',
    command: programOf('redis'),
    args: ({ port }) => ['--port', String(port), ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])],
    url: (port) => `redis://127.0.0.1:${port}`,
    crashWith: 'SIGKILL',
  })
}
