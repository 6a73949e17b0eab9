/**
 * Streams on which a peer has nothing more to say. Of one that nobody reads libp2p keeps what comes, and gives windows back, until it has
 * 4 MiB of it.
 */
import type { Stream } from '@libp2p/interface'

/** Resets the stream when anything comes. Until then it may end in good order. */
export function wantNothing(stream: Stream): void {
  stream.addEventListener('message', () => leave(stream))
}

/** Resets the stream, unless it has ended. */
export function leave(stream: Stream): void {
  stream.abort(new Error('nothing more is wanted of it'))
}
