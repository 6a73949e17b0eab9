/** Hands what happens on a stream to the side that it belongs to: streams that we opened ask, the others answer. */
import type { PortEvent } from '../network/port.js'
import { cutExchange, onInboundStream, onRequestData, onRequestEnd } from './answering/exchanges.js'
import { onCallClosed, onOpened, onOpenFailed, onResponseData, onResponseEnd } from './asking/requests.js'
import { dropConnection } from './connectivity.js'
import type { Effects } from './effects.js'
import type { State } from './state.js'

type StreamEvent = Extract<PortEvent, { stream: number }>

/** Events of a stream that is no longer in the state are ignored: they crossed with our reset. */
export function onStreamEvent(state: State, out: Effects, event: StreamEvent): void {
  if (event.type === 'streamInbound') return onInboundStream(state, out, event)
  const ask = state.calls.get(event.stream)
  if (ask !== undefined) {
    switch (event.type) {
      case 'streamOpened':
        return onOpened(state, out, ask)
      case 'streamOpenFailed':
        // A muxer that died raises no event of its own: without this the dead connection would stay for ever.
        if (event.reason === 'lost') {
          const why = `the connection can carry no streams any more (${event.failure.message})`
          return dropConnection(state, out, ask.connection, why)
        }
        return onOpenFailed(state, out, ask, event)
      case 'data':
        return onResponseData(state, out, ask, event.chunks)
      case 'streamEnded':
        return onResponseEnd(state, out, ask)
      case 'streamClosed':
        return onCallClosed(state, out, ask, event.reason)
      case 'writable':
        return
    }
  }
  const exchange = state.exchanges.get(event.stream)
  if (exchange === undefined) return
  switch (event.type) {
    case 'data':
      return onRequestData(state, out, exchange, event.chunks)
    case 'streamEnded':
      return onRequestEnd(state, out, exchange)
    case 'streamClosed':
      return cutExchange(state, out, event.stream, 'the asker has given up')
    case 'streamOpened':
    case 'streamOpenFailed':
    case 'writable':
      return
  }
}
