// What a platform's emulator is. An adapter package exports one as `sandbox` from its `src/sandbox.ts`.

/** One thing that people could see on the platform right now. */
export interface Visible {
  readonly platform: string
  /** Who posted it: the `name` of one of the accounts. */
  readonly account: string
  readonly id: string
  /** As people read it. */
  readonly text: string
  /** How many files hang on it. */
  readonly media: number
}

/** How the feed page shows it. */
export interface Shown extends Visible {
  readonly at: number
  readonly url?: string
  readonly language?: string
  /** Id of the post it answers: threads are drawn together. */
  readonly replyTo?: string
  readonly files: readonly { readonly mime: string; readonly alt: string /** A key of `Vault.blob`. */; readonly blob: string }[]
  readonly card?: { readonly url: string; readonly title: string; readonly description: string; readonly blob?: string }
  readonly poll?: { readonly options: readonly string[] }
  /** Hidden behind it until somebody clicks. */
  readonly warning?: string
  readonly visibility?: string
  readonly edited?: boolean
}

/** What the framework lends an emulator. */
export interface Stage<State> {
  /** Epoch ms. Tests move it; an emulator reads no other clock. */
  now(): number
  /** Plain JSON, changed in place; saved by the framework after every request where the server was given a folder. */
  readonly state: State
  /** `prefix` and 24 hex digits that nobody can guess; where the sandbox has a `seed`, `prefix` and a decimal number that counts up from it. */
  id(prefix: string): string
  /** Keeps bytes by their hash (sha256, hex) and answers that as the key. Of more than the sandbox's `maxBlobBytes`, only hash and size are kept. */
  keep(bytes: Uint8Array): string
  /** The same, piece by piece in flat memory: for a request's body, however large, or for kept pieces put together. */
  keepStream(body: AsyncIterable<Uint8Array>): Promise<{ readonly key: string; readonly bytes: number }>
  /** `undefined`: never kept, or too large to keep. */
  blob(key: string): Uint8Array | undefined
}

/** One platform, as it answers. Made anew for each sandbox; all that it remembers is in its stage's `state`. */
export interface Emulator {
  /** A request as it was sent to one of `hosts`: the URL has the real host. Never throws for a bad request: it answers as the platform would. */
  fetch(request: Request): Promise<Response>
  /** The truth: what is on the platform now, oldest first. */
  shown(): readonly Shown[]
  /**
   * What a fault does to this platform beyond HTTP. `expire`: access tokens of the account are not valid any more. `revoke`: the consent is gone.
   * `process`: uploaded media that is still being worked on is finished.
   */
  act(what: 'expire' | 'revoke' | 'process'): void
  /** Whether this request is the one whose effect people see (a post, an edit, a delete): what the fault script calls the `commit`. */
  isCommit(request: Request): boolean
  /** Whether this request exchanges or refreshes tokens, or opens a session: what the fault script calls the `token`. Without it no request is one. */
  isToken?(request: Request): boolean
  /** The answer the real platform gives when it throttles, with or without the header that says how long. */
  throttled(withHeader: boolean): Response
}

/** What an adapter package exports as `sandbox`: the platform's data, and how its emulator is made. */
export interface Sandbox<State = unknown> {
  readonly platform: string
  readonly name: string
  /** The real host names it stands in for. `*` alone stands for one label: `*.host.bsky.network`. */
  readonly hosts: readonly string[]
  /** Accounts that exist from the start, one per line of the consent page. */
  readonly accounts: readonly { readonly id: string; readonly name: string; readonly displayName: string }[]
  initial(): State
  create(stage: Stage<State>): Emulator
}

/** Returns an emulator with its state's type checked: the last call in every `sandbox.ts`. */
export const defineSandbox = <State>(sandbox: Sandbox<State>): Sandbox<State> => sandbox

/** What happens to a request instead of, or around, what it should do. */
export const faults = [
  /** The request never arrives. */
  'drop-request',
  /** It has its effect; the answer is lost. */
  'drop-reply',
  /** It has its effect; the answer is a 502. */
  'error-after',
  /** No effect; the answer is a 503. */
  'error-before',
  /** It has its effect; the answer comes after the client's time-out. */
  'delay-reply',
  /** It arrives and has its effect only after the client's time-out. */
  'arrive-late',
  /** 200, but the body is not JSON. No effect. */
  'garbage-before',
  /** It has its effect; 200, but the body is not JSON. */
  'garbage-after',
  'throttle',
  'throttle-without-header',
  /** The access token ends just before this request. */
  'expire-token',
] as const
/** See `faults`. */
export type Fault = (typeof faults)[number]

/** The `nth` matching request (1 = the next) of `platform` meets `fault`. */
export interface FaultRule {
  readonly fault: Fault
  readonly platform?: string
  /** Default `any`. `token`: the request that exchanges or refreshes tokens. */
  readonly on?: 'any' | 'commit' | 'token'
  readonly nth: number
  /** For `delay-reply` and `arrive-late`. Default 60 s: longer than any client waits. */
  readonly delayMs?: number
}
