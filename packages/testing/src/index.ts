// The conformance suites of Syndikit, for authors of adapters, storages and queues. A list of exports and nothing else.

export * from './queue.ts'
