// What a campaign is asked for on the command line.

import { parseArgs } from 'node:util'
import { type Class, classes } from './classes.ts'
import { type QueueName, queueNames, type StorageName, storageNames } from './drivers.ts'

export const usage = `Usage: npm run prove -- --storage ${storageNames.join('|')} --queue ${queueNames.join('|')} --class ${classes.join('|')}
                       --minutes N [--seed N] [--workers N] [--rate N] [--json]

  --storage, --queue   the drivers; servers that they need are started (default ${storageNames[0]}, ${queueNames[0]})
  --class              the recovery class of the adapter and its platform (default look-up)
  --minutes            how long faults and kills last; then it has time to finish (default 2)
  --seed               the same decisions again; moments depend on the machine (default: any)
  --workers            worker processes (default 3)
  --rate               publications a second (default 5)
  --help               prints this
  --json               prints the figures as one JSON object in the last line, and everything else to stderr`

export interface Campaign {
  readonly storage: StorageName
  readonly queue: QueueName
  readonly door: Class
  readonly minutes: number
  readonly seed: number
  readonly workers: number
  readonly ratePerSecond: number
  readonly json: boolean
}

const options = {
  storage: { type: 'string', default: storageNames[0] },
  queue: { type: 'string', default: queueNames[0] },
  class: { type: 'string', default: 'look-up' },
  minutes: { type: 'string', default: '2' },
  seed: { type: 'string' },
  workers: { type: 'string', default: '3' },
  rate: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const among = <T extends string>(name: string, value: string | undefined, all: readonly T[]): T => {
  const found = all.find((one) => one === value)
  if (found === undefined) throw new Error(`--${name} ${value} is none of ${all.join(', ')}.\n\n${usage}`)
  return found
}

const number = (name: string, value: string | undefined, least: number, whole = true): number => {
  const read = Number(value)
  if (value === '' || !(read >= least) || !Number.isFinite(read) || (whole && !Number.isInteger(read)))
    throw new Error(`--${name} ${value} is not a ${whole ? 'whole ' : ''}number of at least ${least}.\n\n${usage}`)
  return read
}

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n\n${usage}`, { cause })
  }
}

/** Undefined: it was asked for help. */
export const campaignOf = (args: readonly string[]): Campaign | undefined => {
  const values = parsed(args)
  if (values.help) return undefined
  return {
    storage: among('storage', values.storage, storageNames),
    queue: among('queue', values.queue, queueNames),
    door: among('class', values.class, classes),
    minutes: number('minutes', values.minutes, 0.1, false),
    seed: number('seed', values.seed ?? String(Date.now() % 1_000_000), 0),
    workers: number('workers', values.workers, 1),
    ratePerSecond: number('rate', values.rate, 0.1, false),
    json: values.json,
  }
}
