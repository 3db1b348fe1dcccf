// A call in the host's own transaction: the same call, on the storage as that transaction sees it.

import type { Storage } from '../contract/storage.ts'

/** `tx`: an open transaction of the host, of the kind its storage names. The call reads in it and writes in it. */
export interface InTransaction {
  readonly tx?: unknown
}

/** The ports of a call, with the storage in the host's transaction where it gave one. */
export const within = <D extends { readonly storage: Pick<Storage, 'within'> }>(deps: D, more: InTransaction | undefined): D =>
  more?.tx === undefined ? deps : { ...deps, storage: { ...deps.storage, ...deps.storage.within(more.tx) } }
