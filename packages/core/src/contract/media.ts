// Files: as the host names them, and as an adapter reads them.

/** A file as the host names it. It is read again at publish time and must still be the same bytes. */
export type MediaInput = {
  /** What the picture shows, for people who cannot see it. */
  alt?: string | undefined
  /** The file name shown to a platform. Default: the last part of the path or URL. */
  name?: string | undefined
} & (
  | { /** A path on this machine. */ file: string; url?: undefined; ref?: undefined }
  | { /** http or https, public addresses only. */ url: string; file?: undefined; ref?: undefined }
  | { /** A name that the host's `media.open` understands (an object key, an asset id). */ ref: string; file?: undefined; url?: undefined }
)

/** As found in the bytes, never by a name. An animated GIF is an `image`. */
export type MediaType = 'image' | 'video' | 'audio' | 'document'

/** What was found out about a file by reading it, never from its name. Stored with the publication. */
export interface MediaFacts {
  type: MediaType
  mime: string
  bytes: number
  name: string
  /** Hex. The bytes sent are these bytes. */
  sha256: string
  alt?: string
  width?: number
  height?: number
  durationMs?: number
}

/** A probed file. Reading is repeatable: a resumed run reads the same bytes again. */
export interface Media extends MediaFacts {
  /** Pieces of exactly `size` bytes, the last one shorter. Never more than one piece in memory. */
  chunks(size: number): AsyncIterable<Uint8Array>
  stream(from?: number): ReadableStream<Uint8Array>
}
