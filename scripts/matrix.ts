// Writes the parts of the pages that are made from the code: the platform matrix, the states, the tables of the engine.
import { writeParts } from './docs/generated.ts'

const written = await writeParts()
console.log(written.length === 0 ? 'nothing has changed' : `written: ${written.join(', ')}`)
