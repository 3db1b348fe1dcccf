// Measures Syndikit beside what people would use instead, in one run on one machine: `npm run bench -- --suite sqlite --suite postgres`. Prints a table in Markdown, or JSON.
// `--rounds`, `--rows` (not due yet) and `--due` (worked off per round) make it shorter or longer. Needs redis-server and postgres on the machine.

import { cpus } from 'node:os'
import { bullmqSuite } from './bench/bullmq.ts'
import { type Figure, holds, tableOf } from './bench/figures.ts'
import { footprintSuite } from './bench/footprint.ts'
import { type Asked, readOptions, type Suite } from './bench/options.ts'
import { postgresSuite } from './bench/postgres.ts'
import { sqliteSuite } from './bench/sqlite.ts'
import { versions } from './bench/versions.ts'

const run: Record<Suite, (asked: Asked) => Promise<Figure[]>> = { sqlite: sqliteSuite, postgres: postgresSuite, bullmq: bullmqSuite, footprint: footprintSuite }

const asked = readOptions(process.argv.slice(2))
const results: { suite: Suite; figures: Figure[] }[] = []
for (const suite of asked.suites) {
  asked.say(`--- ${suite}`)
  results.push({ suite, figures: await run[suite](asked) })
}
const machine = `${cpus().length} × ${cpus()[0]?.model}; ${Object.entries(versions())
  .map(([name, version]) => `${name} ${version}`)
  .join(', ')}`
if (asked.json)
  console.log(
    JSON.stringify({
      machine,
      results: results.map(({ suite, figures }) => ({ suite, figures: figures.map((figure) => ({ ...figure, holds: holds(figure) })) })),
    }),
  )
else {
  console.log(`${machine}\n`)
  for (const { suite, figures } of results) console.log(`### ${suite}\n\n${tableOf(figures)}\n`)
}
