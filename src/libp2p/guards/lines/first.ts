/** A listener to what comes over a connection that hears it before all others, and only while there are others: without one, libp2p keeps it. */
import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'

type Add = MessageStream['addEventListener']
type Remove = MessageStream['removeEventListener']
/** Of its last overload, which takes any event. */
type Rest = Parameters<Remove> extends [string, ...infer Others] ? Others : never

/** To be called before others listen. Returns what ends it. */
export function hearFirst(connection: MessageStream, hear: (event: StreamMessageEvent) => void): () => void {
  const add: Add = connection.addEventListener.bind(connection)
  const remove: Remove = connection.removeEventListener.bind(connection)
  let others = 0
  let isOver = false
  connection.addEventListener = (type, listener, options) => {
    if (type === 'message' && others++ === 0 && !isOver) add('message', hear)
    add(type, listener, options)
  }
  connection.removeEventListener = (type: string, ...rest: Rest) => {
    remove(type, ...rest)
    if (type === 'message' && --others === 0) remove('message', hear)
  }
  return () => {
    isOver = true
    remove('message', hear)
  }
}
