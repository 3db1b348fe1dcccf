// What must hold whatever happens, by number. I1 to I20 are those of the fault model; what this house promises beyond them is K.

const invariants = {
  I1: 'Each part of a delivery is on the platform once at most.',
  I2: 'Published means that it is there: under the id that is told, saying what was scheduled.',
  I3: 'Failed, missed and canceled mean that nothing of it is there; of a half thread every part that is there is told.',
  I4: 'A final state never changes.',
  I5: 'Every transition is told once, in the order of its rev, and nothing is told after the end.',
  I6: 'Fence and rev only grow, and the write of a worker counts only while the row runs under its fence.',
  I7: 'No commit leaves before its request is stored, exactly as it leaves.',
  I8: 'No commit leaves from a process that does not hold the delivery, or so late that it could outlast the lease.',
  I9: 'What is sent again is what was sent before, byte for byte.',
  I10: 'Nothing is sent again where nobody can know, nor before the send before it has arrived or never will, unless the platform knows its key.',
  I11: 'What is not over moves by itself or waits for a human.',
  I13: 'A post on the platform belongs to one delivery at most.',
  I15: 'One refresh of a grant at a time, each stored one moves its version by one, and no refresh token is used once its successor is stored.',
  I16: 'An account has to be connected again only where the platform ended its grant, or the only copy of a token pair died on its way.',
  I17: 'What was answered as canceled stays canceled and was never sent.',
  I18: 'No row changes its tenant, and no answer shows a row of another one.',
  I19: 'No credential is in a log, an event, an attempt or a row in the open.',
  I20: 'A part of a thread is sent only while the part that it answers is there.',
  K1: 'One idempotency key brings one publication, always the same, and only for the same request.',
  K2: 'One delivery is active per content, connection and action.',
  K3: 'What was promised is stored.',
  K4: 'Nothing leaves before it is due.',
  K5: 'No run is taken from a process that lives and reaches its database.',
  K6: 'No fault of ours hides behind a failure, nothing on time is missed, and the world comes to rest.',
  K7: 'On the way to a commit that an earlier run began nothing is asked or sent.',
} as const

export type Invariant = keyof typeof invariants

/** How a breach is told: number, then what was seen. */
export const breach = (which: Invariant, what: string): string => `${which}: ${what}`

/** What the invariant says that a breach is of. */
export const ruleOf = (line: string): string => invariants[line.slice(0, line.indexOf(':')) as Invariant]
