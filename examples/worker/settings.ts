// What the environment says, checked before anything starts.

import { z } from 'zod'

const shape = z.object({
  /** PostgreSQL: the truth. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Redis: wakes the workers. Nothing is lost with it. */
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** Key ring of 32-byte keys, the first one seals. The same for the app and for every worker. */
  SYNDIKIT_KEYS: z.string().min(1),
  /** Names this installation: a copy of the database under another name is refused. */
  DEPLOYMENT: z.string().min(1).default('example'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  /** Where browsers reach the app. */
  PUBLIC_URL: z.url().default('http://127.0.0.1:3000'),
  /** Deliveries at a time in one worker. */
  SLOTS: z.coerce.number().int().min(1).default(20),
  /** Posts to emulated platforms instead of real ones. */
  SANDBOX_URL: z.url().optional(),
  X_CLIENT_ID: z.string().default('sandbox-client'),
  X_CLIENT_SECRET: z.string().default('sandbox-secret'),
})
export type Settings = z.output<typeof shape>

/** Ends the process with every mistake at once, by name and without its value. */
export const settingsOf = (env: NodeJS.ProcessEnv): Settings => {
  const read = shape.safeParse(env)
  if (read.success) return read.data
  const wrong = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  console.error(['The environment is not complete:', ...wrong].join('\n'))
  process.exit(1)
}
