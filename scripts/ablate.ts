// Switches off one safeguard after the other and demands that its tests turn red: a safeguard that no test misses is not proved.

import { spawnSync } from 'node:child_process'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { ablations } from './ablations.ts'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const chosen = ablations.filter(({ safeguard }) => values.only === undefined || safeguard === values.only)
if (chosen.length === 0) throw new TypeError(`No safeguard is called "${values.only}". There are: ${ablations.map(({ safeguard }) => safeguard).join(', ')}.`)

let green = 0
for (const { safeguard, project, tests } of chosen) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--bail', '1', tests], {
    env: { ...process.env, SYNDIKIT_ABLATE: safeguard, CI: '' },
    encoding: 'utf8',
  })
  const ran = /Tests\s.*\d+ (failed|passed)/.test(stripVTControlCharacters(stdout))
  if (!ran) throw new Error(`Without "${safeguard}" the tests did not run at all:\n${stdout}\n${stderr}`)
  if (status === 0) green += 1
  console.log(`${status === 0 ? 'STILL GREEN' : 'red'}  without ${safeguard} (${project}: ${tests})`)
}
if (green > 0) {
  console.error(`${green} safeguards can be switched off and no test notices.`)
  process.exitCode = 1
} else console.log(`${chosen.length} safeguards, each missed by a test when it is gone.`)
