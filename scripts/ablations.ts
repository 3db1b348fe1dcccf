// All safeguards that can be switched off.

import type { Ablation } from './ablate/ablation.ts'
import { engine } from './ablate/engine.ts'
import { storage } from './ablate/storage.ts'

export const ablations: readonly Ablation[] = [...engine, ...storage]

export const ablationOf = (safeguard: string): Ablation => {
  const found = ablations.find((one) => one.safeguard === safeguard)
  if (!found) throw new TypeError(`No safeguard is called "${safeguard}". There are: ${ablations.map((one) => one.safeguard).join(', ')}.`)
  return found
}
