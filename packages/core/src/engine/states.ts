// The life of a delivery as a table. Storage drivers refuse what is not drawn here; the documentation and the model tests are made from it.

import type { State } from '../contract/storage.ts'

export const transitions: Readonly<Record<State, readonly State[]>> = {
  scheduled: ['running', 'canceled'],
  running: ['running', 'scheduled', 'published', 'failed', 'missed', 'uncertain', 'needs_action'],
  uncertain: ['running', 'published', 'failed', 'scheduled'],
  needs_action: ['published', 'failed', 'scheduled'],
  published: [],
  failed: [],
  canceled: [],
  missed: [],
}
