/** Ends of connections are heard in turns of the event loop. */
import { describe, expect, it } from '@jest/globals'
import { Ends, ENDS_AT_ONCE } from '../../../../src/libp2p/guards/lines/ends.js'

function lab() {
  const heard: string[] = []
  const turns: (() => void)[] = []
  const clock = { now: 0, each: 1 }
  const ends = new Ends(
    (work) => turns.push(work),
    () => clock.now,
  )
  const connection = (name: string) => {
    const one = new EventTarget()
    ends.follow(one)
    for (const type of ['message', 'close'])
      one.addEventListener(type, () => {
        clock.now += clock.each
        heard.push(`${name} ${type}`)
      })
    return one
  }
  return { clock, heard, turns, connection, turn: () => turns.shift()!() }
}

describe('the end of a connection', () => {
  it('is heard at once while there are few', () => {
    const { connection, heard, turns } = lab()
    const one = connection('a')
    one.dispatchEvent(new Event('message'))
    one.dispatchEvent(new Event('close'))
    expect(heard).toEqual(['a message', 'a close'])
    expect(turns).toHaveLength(1)
  })

  it('is heard in a later turn when there are many, in their order, and nothing else waits', () => {
    const { connection, heard, turns, turn } = lab()
    const names = Array.from({ length: 2 * ENDS_AT_ONCE + 1 }, (_, i) => `${i}`)
    const all = names.map(connection)
    for (const one of all) one.dispatchEvent(new Event('close'))
    expect(heard).toHaveLength(ENDS_AT_ONCE)
    connection('other').dispatchEvent(new Event('message'))
    expect(heard.pop()).toBe('other message')
    turn()
    expect(heard).toHaveLength(2 * ENDS_AT_ONCE)
    turn()
    expect(heard).toEqual(names.map((name) => `${name} close`))
    turn()
    expect(turns).toEqual([])
    connection('late').dispatchEvent(new Event('close'))
    expect(heard.at(-1)).toBe('late close')
  })

  it('is heard with as many others as there is time for: those of no connection take next to none', () => {
    const { clock, connection, heard, turn } = lab()
    clock.each = 0.125
    const all = Array.from({ length: 60 }, (_, i) => connection(`${i}`))
    for (const one of all) one.dispatchEvent(new Event('close'))
    expect(heard).toHaveLength(ENDS_AT_ONCE)
    turn()
    expect(heard).toHaveLength(ENDS_AT_ONCE + 32)
  })
})
