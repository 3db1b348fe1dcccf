// When a delivery is taken for what takes its workers down. Pure.

import type { Claim } from '../contract/storage.ts'
import type { Journal } from './journal.ts'

/** From this claim on without a saved step it runs alone: it may be what took its workers down, or one of those that were beside it. */
export const suspectStarts = 3
/** So many workers died before it could even write down that it runs alone: then it is the row itself. */
const mostStarts = 10
/** In all: one that saves a step and then takes its worker down must end too. */
const mostDeaths = 20

export const isSuspect = ({ starts }: Pick<Claim, 'starts'>): boolean => starts >= suspectStarts

/** Its worker died while it ran there alone, without getting anywhere. A death while it still waited for what ran beside it proves nothing against it. */
export const isPoison = ({ starts, from }: Pick<Claim, 'starts' | 'from'>, { alone, deaths }: Pick<Journal, 'alone' | 'deaths'>): boolean =>
  (alone && from === 'running') || starts > mostStarts || deaths > mostDeaths
