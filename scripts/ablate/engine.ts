// The safeguards of the engine, each as the change that switches it off. Data for `npm run ablate`.

import type { Ablation } from './ablation.ts'

const core = 'packages/core/src/engine'

export const engine: readonly Ablation[] = [
  {
    safeguard: 'frozen request',
    file: `${core}/commit.ts`,
    find: 'await step.send(asStored(open.request))',
    replace: 'await step.send(asStored(step.request))',
    tests: { project: 'core', filter: 'safeguards' },
    simulated: true,
  },
  {
    safeguard: 'silent replay',
    file: `${core}/run.ts`,
    find: "if (ports.open) return 'silent'",
    replace: '',
    tests: { project: 'core', filter: 'safeguards' },
    simulated: true,
  },
  {
    safeguard: 'settle delay',
    file: `${core}/recover.ts`,
    find: "open.lastSentAt + timeoutMs + ('settleMs' in recovery ? (recovery.settleMs ?? 0) : 0)",
    replace: 'open.lastSentAt',
    tests: { project: 'core', filter: 'safeguards' },
    simulated: true,
  },
  {
    safeguard: 'refusal only after an unknown send',
    file: `${core}/commit.ts`,
    find: 'if (!definite && run.earlier) return refusedAgain(run, step, run.earlier, why)',
    replace: "if (!definite || why.code === 'duplicate') return refusedAgain(run, step, run.earlier ?? open, why)",
    tests: { project: 'core', filter: 'safeguards' },
  },
  {
    safeguard: 'lease extension',
    file: `${core}/in-flight.ts`,
    find: 'await extendAll(keeping)',
    replace: '',
    tests: { project: 'core', filter: 'safeguards' },
    simulated: true,
  },
  {
    safeguard: 'look before sending again',
    file: `${core}/commit.ts`,
    find: "if (what.do === 'send') return send(run, step, open)",
    replace: 'return send(run, step, { ...open, provedAbsent: true })',
    tests: { project: 'core', filter: 'recovery-classes' },
    simulated: true,
  },
  {
    safeguard: 'write ahead',
    file: `${core}/commit.ts`,
    find: '  await saveAhead(run, open)\n',
    replace: '',
    tests: { project: 'core', filter: 'recovery-classes' },
    simulated: true,
  },
  {
    safeguard: 'a found post is one delivery’s',
    file: `${core}/commit.ts`,
    find: '|| (await run.ports.owns(found.id))',
    replace: '|| true',
    tests: { project: 'core', filter: 'life' },
  },
  {
    safeguard: 'what came after the claim is not ours',
    file: `${core}/commit.ts`,
    find: ' && at.getTime() < until',
    replace: '',
    tests: { project: 'core', filter: 'life' },
  },
  {
    safeguard: 'an overdue row is looked for in every run',
    file: `${core}/work.ts`,
    find: 'overdue: journal.overdue ?? (',
    replace: 'overdue: (',
    tests: { project: 'core', filter: 'life' },
  },
  {
    safeguard: 'send guard',
    file: `${core}/lease.ts`,
    find: '!lost && since(clock, start) < leaseMs - ms - marginMs',
    replace: '!lost && ms < leaseMs',
    simulated: true,
  },
  {
    safeguard: 'send guard by the wall clock',
    file: `${core}/lease.ts`,
    find: 'Math.max(clock.elapsed() - from.elapsed, clock.now() - from.wall)',
    replace: 'clock.elapsed() - from.elapsed',
    simulated: true,
  },
  {
    safeguard: 'send guard by the monotonic clock',
    file: `${core}/lease.ts`,
    find: 'Math.max(clock.elapsed() - from.elapsed, clock.now() - from.wall)',
    replace: 'clock.now() - from.wall',
    simulated: true,
  },
  {
    safeguard: 'blind is never sent again',
    file: `${core}/recover.ts`,
    find: "known.onUncertain === 'retry' && !known.open.uncertain ? { do: 'send' }",
    replace: "!known.open.uncertain ? { do: 'send' }",
    simulated: true,
  },
  {
    safeguard: 'an event is forgotten only once it was heard',
    file: `${core}/outbox.ts`,
    find: '    await hand(state, event)\n    await state.ack(event.seq)\n',
    replace: '    await state.ack(event.seq)\n    await hand(state, event)\n',
    simulated: true,
  },
]
