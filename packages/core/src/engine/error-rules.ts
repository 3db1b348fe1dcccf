// What core does about each error code once it is certain that nothing was published. One table; nothing else decides.

import type { ErrorCode } from '../contract/error.ts'

export type Rule =
  /** Never by itself: the content, the file or the account must change. */
  | 'fail'
  /** After the next pause of the retry plan; uses up a try. */
  | 'retry'
  /** As the platform says; uses up no try. */
  | 'wait'
  /** Once the tenant has connected the account again. */
  | 'hold'
  /** At once, from the last finished commit. */
  | 'prepare-again'
  /** Nothing is there: what `unpublish` wants. */
  | 'gone'

export const errorRules: Readonly<Record<ErrorCode, Rule>> = {
  auth: 'hold',
  permission: 'fail',
  rate: 'wait',
  duplicate: 'fail',
  invalid: 'fail',
  media: 'fail',
  'not-ready': 'wait',
  stale: 'prepare-again',
  gone: 'gone',
  policy: 'fail',
  setup: 'fail',
  transient: 'retry',
  unknown: 'retry',
}
