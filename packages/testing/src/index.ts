// The conformance suites of Syndikit, for authors of adapters, storages and queues. A list of exports and nothing else.

export { type Acts, tenant } from './adapter/acts.ts'
export * from './adapter/emulator-stage.ts'
export * from './adapter/http-for.ts'
export * from './adapter/sample-files.ts'
export type { Sample } from './adapter/samples.ts'
export * from './adapter/stage.ts'
export * from './adapter/suite.ts'
export * from './queue.ts'
export { type StorageSuite, testStorage } from './storage/suite.ts'
export * from './virtual-clock.ts'
