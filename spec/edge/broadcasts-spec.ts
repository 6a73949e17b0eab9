import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../src/core/events.js'
import type { Heard } from '../../src/core/effects.js'
import { Broadcasts } from '../../src/edge/broadcasts.js'
import { bytes } from '../support/core.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function edge(): { broadcasts: Broadcasts; pushed: Event[]; logged: unknown[] } {
  const pushed: Event[] = []
  const logged: unknown[] = []
  const broadcasts = new Broadcasts(
    (event) => pushed.push(event),
    (_level, _message, cause) => logged.push(cause),
  )
  return { broadcasts, pushed, logged }
}

function broadcast(topic: string): Heard {
  return { topic, data: bytes('b'), from: 'bob', via: 'carol', id: '1' }
}

describe('the broadcasts of a topic', () => {
  it('tell the lane of each subscriber that comes and goes', () => {
    const { broadcasts, pushed } = edge()
    const block$ = broadcasts.of('block')
    const first = block$.subscribe()
    const second = block$.subscribe()
    first.unsubscribe()
    second.unsubscribe()
    expect(pushed.map(({ type }) => type)).toEqual(['subscribe', 'subscribe', 'unsubscribe', 'unsubscribe'])
  })

  it('reach the subscribers of that topic, and of all topics', () => {
    const { broadcasts } = edge()
    const heard: string[] = []
    broadcasts.of('block').subscribe(({ topic }) => heard.push(`block: ${topic}`))
    broadcasts.of('tx').subscribe(({ topic }) => heard.push(`tx: ${topic}`))
    broadcasts.of().subscribe(({ topic }) => heard.push(`all: ${topic}`))
    broadcasts.onBroadcast(broadcast('block'))
    expect(heard).toEqual(['block: block', 'all: block'])
  })

  it('reach the handler, whose failures are logged', async () => {
    const { broadcasts, logged } = edge()
    const heard: string[] = []
    broadcasts.setHandler({
      handleBroadcast: (topic, data, { from }) => {
        heard.push(`${topic} ${data.length} ${from}`)
        if (topic === 'tx') return Promise.reject(new Error('later'))
        throw new Error('at once')
      },
    })
    broadcasts.onBroadcast(broadcast('block'))
    broadcasts.onBroadcast(broadcast('tx'))
    await turn()
    expect(heard).toEqual(['block 1 bob', 'tx 1 bob'])
    expect(logged).toEqual([new Error('at once'), new Error('later')])
  })

  it('complete when the node ends, also for who subscribes after that', () => {
    const { broadcasts } = edge()
    const ended: string[] = []
    broadcasts.of('block').subscribe({ complete: () => ended.push('block') })
    broadcasts.of().subscribe({ complete: () => ended.push('all') })
    broadcasts.end()
    broadcasts.of('tx').subscribe({ complete: () => ended.push('tx') })
    expect(ended).toEqual(['block', 'all', 'tx'])
  })
})
