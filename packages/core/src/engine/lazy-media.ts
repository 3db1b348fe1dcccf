// Files of a delivery, opened when an adapter first reads them: a run that only reconciles never needs them.

import type { Media, MediaFacts, MediaInput } from '../contract/media.ts'
import type { MediaOpener } from '../media/opener.ts'

type Opening = Promise<{ media: Media; close(): Promise<void> }>

export const lazyMedia = (
  opener: MediaOpener,
  inputs: readonly { readonly media: MediaInput }[],
  facts: readonly MediaFacts[],
): { media: readonly Media[]; close(): Promise<void> } => {
  const opened: Opening[] = []
  const media = facts.map((fact, i): Media => {
    const input = inputs[i]?.media
    if (!input) throw new TypeError('A stored file has no input.')
    let opening: Opening | undefined
    const open = (): Opening => {
      const known = opening ?? opener.open(fact, input)
      if (!opening) opened.push(known)
      opening = known
      return known
    }
    const read = async function* (pieces: (media: Media) => AsyncIterable<Uint8Array>) {
      yield* pieces((await open()).media)
    }
    return { ...fact, chunks: (size) => read((file) => file.chunks(size)), stream: (from) => ReadableStream.from(read((file) => file.stream(from))) }
  })
  return {
    media,
    close: async () => {
      for (const one of await Promise.allSettled(opened)) if (one.status === 'fulfilled') await one.value.close()
    },
  }
}
