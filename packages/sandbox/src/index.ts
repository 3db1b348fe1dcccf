// The public surface of @syndikit/sandbox. A list of exports and nothing else.

export { sandboxFetch } from './client.ts'
export { type Choice, consent } from './consent.ts'
export * from './contract.ts'
export type { Faults, Fired } from './run/faults.ts'
export { type Act, createSandbox, type Logged, type RunningSandbox, type SandboxOptions } from './sandbox.ts'
export { sandboxUrl } from './server/address.ts'
export { type SandboxServer, type ServeOptions, serveSandbox } from './server/serve.ts'
