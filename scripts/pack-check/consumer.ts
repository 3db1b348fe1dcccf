// What a user of the published packages might write; scripts/pack-check.ts compiles and runs it outside the workspace.
import * as core from '@syndikit/core'

console.log(`@syndikit/core exports ${Object.keys(core).length} names`)
