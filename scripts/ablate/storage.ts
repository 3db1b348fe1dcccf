// The safeguards of storages, each as the change that switches it off. Data for `npm run ablate`.

import type { Ablation } from './ablation.ts'

export const storage: readonly Ablation[] = [
  {
    safeguard: 'fence in memory',
    file: 'packages/core/src/memory/settle.ts',
    find: "row?.state === 'running' && row.fence === fence",
    replace: "row?.state === 'running'",
    tests: { project: 'core', filter: 'memory-storage' },
    simulated: true,
  },
  {
    safeguard: 'from-state in memory',
    file: 'packages/core/src/memory/settle.ts',
    find: "row?.state === 'running' && row.fence === fence",
    replace: 'row?.fence === fence',
    tests: { project: 'core', filter: 'memory-storage' },
    simulated: true,
  },
  {
    safeguard: 'fence in SQL',
    file: 'packages/storage-sql/src/held.ts',
    find: "row.state === 'running' && row.fence === fence",
    replace: "row.state === 'running'",
    tests: { project: 'storage-sqlite', filter: 'contract' },
  },
  {
    safeguard: 'from-state in SQL',
    file: 'packages/storage-sql/src/held.ts',
    find: "row.state === 'running' && row.fence === fence",
    replace: 'row.fence === fence',
    tests: { project: 'storage-sqlite', filter: 'contract' },
  },
  {
    safeguard: 'no cancel once something may be out',
    file: 'packages/core/src/memory/settle.ts',
    find: "row.state === 'scheduled' && row.marker === null",
    replace: "row.state === 'scheduled'",
    simulated: true,
  },
  {
    safeguard: 'only what is due is given out',
    file: 'packages/core/src/memory/claim.ts',
    find: 'if (row.nextAt > now) next',
    replace: 'if (row.nextAt > now + 60_000) next',
    simulated: true,
  },
  {
    safeguard: 'active key',
    file: 'packages/core/src/memory/publications.ts',
    find: "return first && { status: 'active'",
    replace: "return first && first.index < 0 && { status: 'active'",
    simulated: true,
  },
  {
    safeguard: 'one refresh of a grant at a time',
    file: 'packages/core/src/memory/connections.ts',
    find: '(leaseStands(tables, row) && row.leaseOwner !== owner)',
    replace: 'false',
    tests: { project: 'core', filter: 'memory-storage' },
  },
  {
    safeguard: 'compare-and-set on the version of a grant',
    file: 'packages/core/src/memory/connections.ts',
    find: '  if (row?.version !== version) return false\n',
    replace: '  if (!row) return false\n',
    tests: { project: 'core', filter: 'memory-storage' },
  },
  {
    safeguard: 'what is held is not parked',
    file: 'packages/storage-sql/src/held.ts',
    find: ', parked = null where',
    replace: ' where',
    tests: { project: 'storage-sqlite', filter: 'contract' },
  },
  {
    safeguard: 'a lane takes one',
    file: 'packages/storage-sql/src/pick.ts',
    find: '(one.laneHolder !== null && one.laneHolder !== one.id) || given.has(keyOf(one))',
    replace: 'false',
    tests: { project: 'storage-sqlite', filter: 'contract' },
  },
  {
    safeguard: 'who is in a lane goes on first',
    file: 'packages/storage-sql/src/claim.ts',
    find: 'const others = ids.length > 0 ?',
    replace: 'const others = ids.length < 0 ?',
    tests: { project: 'storage-sqlite', filter: 'contract' },
  },
]
