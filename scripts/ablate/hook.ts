// Loads one file with a safeguard switched off, for processes outside of vitest: `node --import`.

import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ablationOf } from '../ablations.ts'
import { without } from './ablation.ts'

const change = without(ablationOf(process.env.SYNDIKIT_ABLATE ?? ''))

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    const code = url.startsWith('file:') && loaded.source ? change(fileURLToPath(url), String(loaded.source)) : undefined
    return code === undefined ? loaded : { ...loaded, source: code }
  },
})
