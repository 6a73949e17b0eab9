/** Streams of requests: how long their opening may take, the lane decides. */
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import type { PortEvent } from '../../src/core/port.js'
import type { Connections } from '../../src/libp2p/connections.js'
import { RequestStreams } from '../../src/libp2p/request-streams.js'

afterEach(() => {
  jest.restoreAllMocks()
})

describe('a stream that is being opened', () => {
  it('has no time of its own, and is given up when the lane does', () => {
    const timeout = jest.spyOn(AbortSignal, 'timeout')
    const signals: AbortSignal[] = []
    const connection = {
      newStream: (_protocols: string[], { signal }: { signal: AbortSignal }) => {
        signals.push(signal)
        return new Promise(() => {})
      },
    } as unknown as Connection
    const events: PortEvent[] = []
    const streams = new RequestStreams((event) => events.push(event), {
      get: () => connection,
    } as unknown as Connections)
    streams.open(1, 1, ['/a/1'])
    expect(timeout).not.toHaveBeenCalled()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    streams.reset(1, 'its request is over')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(events).toEqual([])
  })
})
