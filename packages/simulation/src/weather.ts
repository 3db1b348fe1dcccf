// How often a port fails, and with what: data.

/** At a call of the database, at a commit, at any other request, at a hint for the queue. */
export interface Weather {
  readonly storage: number
  readonly commit: number
  readonly request: number
  readonly queue: number
}
export const weathers = {
  calm: { storage: 0, commit: 0, request: 0, queue: 0 },
  breeze: { storage: 0.03, commit: 0.3, request: 0.06, queue: 0.3 },
  storm: { storage: 0.08, commit: 0.5, request: 0.15, queue: 0.8 },
} as const satisfies Readonly<Record<string, Weather>>
export type WeatherName = keyof typeof weathers

/** Of a write of the database. A batch of many rows meets its fault as one. */
export const writeFaults = {
  /** Fails, and nothing happened. */
  refused: 3,
  /** Fails, and it happened. */
  'ack lost': 4,
  /** Fails, and it happens a little later. */
  'ack lost, and late': 2,
  /** The process dies: before it, after it, or with it still on its way. */
  'dies before': 1,
  'dies after': 2,
  'dies, and late': 1,
  /** The process stands still before it or after it. */
  'stops before': 2,
  'stops after': 2,
  slow: 3,
} as const
export const readFaults = { refused: 3, 'dies before': 1, 'stops after': 1, slow: 3 } as const

export const commitFaults = {
  reset: 2,
  'request lost': 2,
  'not sent': 1,
  'reply lost': 3,
  'reply lost, reset': 2,
  'arrives late': 4,
  '503 after the effect': 2,
  '502 of a gateway': 1,
  'unreadable 200': 1,
  throttled: 1,
  'throttled with a date': 1,
  'token expired': 2,
  'dies before': 1,
  'dies after': 3,
  'dies, and late': 2,
  'stops after': 2,
  slow: 2,
} as const
export type WireFault = keyof typeof commitFaults
export const requestFaults = {
  reset: 3,
  'request lost': 2,
  'reply lost': 2,
  '502 of a gateway': 2,
  'token expired': 2,
  'dies after': 1,
  'stops after': 1,
  slow: 2,
} as const satisfies Partial<Record<WireFault, number>>
/** Of a refresh, which may have its effect long after nobody waits any more. */
export const refreshFaults = { ...requestFaults, 'token expired': 0, 'reply lost, reset': 2, 'arrives late': 2, 'dies, and late': 1 } as const

export const hintFaults = { lost: 4, twice: 3, late: 3, early: 2, refused: 1 } as const
