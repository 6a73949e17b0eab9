/** A listener to what comes over a connection that hears it before all others, and only while there are others: without one, libp2p keeps it. */
import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'

/** To be called before others listen. Returns what ends it. */
export function hearFirst(connection: MessageStream, hear: (event: StreamMessageEvent) => void): () => void {
  const add = connection.addEventListener.bind(connection) as (...args: unknown[]) => void
  const remove = connection.removeEventListener.bind(connection) as (...args: unknown[]) => void
  let others = 0
  let isOver = false
  connection.addEventListener = (...args: unknown[]) => {
    if (args[0] === 'message' && others++ === 0 && !isOver) add('message', hear)
    add(...args)
  }
  connection.removeEventListener = (...args: unknown[]) => {
    remove(...args)
    if (args[0] === 'message' && --others === 0) remove('message', hear)
  }
  return () => {
    isOver = true
    remove('message', hear)
  }
}
