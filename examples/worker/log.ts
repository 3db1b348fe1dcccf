// One JSON object a line, on stderr: what a container's log collector wants. Yours may be pino, which has the same shape.

import type { Logger } from '@syndikit/core'

const write = (level: string) => (fields: object, message: string) => console.error(JSON.stringify({ level, at: new Date().toISOString(), ...fields, message }))

export const logger: Logger = { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') }
