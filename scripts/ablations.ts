// The safeguards of the engine as changes that switch each one off, and the tests that must notice. Data for `npm run ablate`.

export interface Ablation {
  readonly safeguard: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Project and file name filter of the tests that must turn red. */
  readonly project: string
  readonly tests: string
}

const core = 'packages/core/src/engine'

export const ablations: readonly Ablation[] = [
  {
    safeguard: 'frozen request',
    file: `${core}/commit.ts`,
    find: 'await step.send(asStored(open.request))',
    replace: 'await step.send(asStored(step.request))',
    project: 'core',
    tests: 'safeguards',
  },
  {
    safeguard: 'silent replay',
    file: `${core}/run.ts`,
    find: "if (ports.open) return 'silent'",
    replace: '',
    project: 'core',
    tests: 'safeguards',
  },
  {
    safeguard: 'settle delay',
    file: `${core}/recover.ts`,
    find: "open.lastSentAt + timeoutMs + ('settleMs' in recovery ? (recovery.settleMs ?? 0) : 0)",
    replace: 'open.lastSentAt',
    project: 'core',
    tests: 'safeguards',
  },
  {
    safeguard: 'refusal only after an unknown send',
    file: `${core}/commit.ts`,
    find: 'if (!definite && run.earlier) return refusedAgain(run, step, run.earlier, why)',
    replace: "if (!definite || why.code === 'duplicate') return refusedAgain(run, step, run.earlier ?? open, why)",
    project: 'core',
    tests: 'safeguards',
  },
  {
    safeguard: 'lease extension',
    file: `${core}/in-flight.ts`,
    find: 'await extendAll(keeping)',
    replace: '',
    project: 'core',
    tests: 'safeguards',
  },
  {
    safeguard: 'look before sending again',
    file: `${core}/commit.ts`,
    find: "if (what.do === 'send') return send(run, step, open)",
    replace: 'return send(run, step, { ...open, provedAbsent: true })',
    project: 'core',
    tests: 'recovery-classes',
  },
  {
    safeguard: 'write ahead',
    file: `${core}/commit.ts`,
    find: '  await saveAhead(run, open)\n',
    replace: '',
    project: 'core',
    tests: 'recovery-classes',
  },
  {
    safeguard: 'a found post is one delivery’s',
    file: `${core}/commit.ts`,
    find: '|| (await run.ports.owns(found.id))',
    replace: '|| true',
    project: 'core',
    tests: 'life',
  },
  {
    safeguard: 'what came after the claim is not ours',
    file: `${core}/commit.ts`,
    find: ' && at.getTime() < until',
    replace: '',
    project: 'core',
    tests: 'life',
  },
  {
    safeguard: 'fence in memory',
    file: 'packages/core/src/memory/settle.ts',
    find: "row?.state === 'running' && row.fence === fence",
    replace: "row?.state === 'running'",
    project: 'core',
    tests: 'memory-storage',
  },
  {
    safeguard: 'from-state in memory',
    file: 'packages/core/src/memory/settle.ts',
    find: "row?.state === 'running' && row.fence === fence",
    replace: 'row?.fence === fence',
    project: 'core',
    tests: 'memory-storage',
  },
  {
    safeguard: 'fence in SQL',
    file: 'packages/storage-sql/src/held.ts',
    find: "row.state === 'running' && row.fence === fence",
    replace: "row.state === 'running'",
    project: 'storage-sqlite',
    tests: 'contract',
  },
  {
    safeguard: 'from-state in SQL',
    file: 'packages/storage-sql/src/held.ts',
    find: "row.state === 'running' && row.fence === fence",
    replace: 'row.fence === fence',
    project: 'storage-sqlite',
    tests: 'contract',
  },
  {
    safeguard: 'an overdue row is looked for in every run',
    file: `${core}/work.ts`,
    find: 'overdue: journal.overdue ?? (',
    replace: 'overdue: (',
    project: 'core',
    tests: 'life',
  },
  {
    safeguard: 'what is held is not parked',
    file: 'packages/storage-sql/src/held.ts',
    find: ', parked = null where',
    replace: ' where',
    project: 'storage-sqlite',
    tests: 'contract',
  },
  {
    safeguard: 'a lane takes one',
    file: 'packages/storage-sql/src/pick.ts',
    find: '(one.laneHolder !== null && one.laneHolder !== one.id) || given.has(keyOf(one))',
    replace: 'false',
    project: 'storage-sqlite',
    tests: 'contract',
  },
  {
    safeguard: 'who is in a lane goes on first',
    file: 'packages/storage-sql/src/claim.ts',
    find: 'const others = ids.length > 0 ?',
    replace: 'const others = ids.length < 0 ?',
    project: 'storage-sqlite',
    tests: 'contract',
  },
  {
    safeguard: 'no blame before it runs alone',
    file: `${core}/suspect.ts`,
    find: "(alone && from === 'running') || starts > mostStarts",
    replace: 'starts > 3',
    project: 'core',
    tests: 'life',
  },
  {
    safeguard: 'alone is written ahead',
    file: `${core}/deliver.ts`,
    find: 'if (isSuspect(work.claim)) await saveAlone(ports)',
    replace: '',
    project: 'core',
    tests: 'life',
  },
]
