/** Who is asked where a host is, and for how long; who else asks meanwhile shares the answer. Name servers are stand-ins. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { LOOKUP_TIMEOUT, MAX_LOOKUPS, Names, type Sources } from '../../src/platform/names.js'

type Said = string[] | string | undefined

/** `servers`: the addresses of a name, or a code; `undefined`: nothing is said. `after`: so late, ms. */
function lookups(
  servers: (name: string, family: 4 | 6) => Said,
  { hosts = '', system = undefined as Said, after = 0 } = {},
) {
  const asked: string[] = []
  const answer = (said: Said, cancelled?: (cancel: (error: Error) => void) => void): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const fail = (code: string): void => reject(Object.assign(new Error(code), { code }))
      cancelled?.(() => fail('ECANCELLED'))
      if (said === undefined) return
      setTimeout(() => (typeof said === 'string' ? fail(said) : resolve(said)), after)
    })
  const cancelled: string[] = []
  const sources: Sources = {
    resolver: () => {
      let cancel = (_: Error): void => undefined
      let asks = ''
      const ask = (name: string, family: 4 | 6): Promise<string[]> => {
        asked.push((asks = `${name} ${family}`))
        return answer(servers(name, family), (end) => (cancel = end))
      }
      return {
        resolve4: ((name: string) => ask(name, 4)) as never,
        resolve6: ((name: string) => ask(name, 6)) as never,
        cancel: () => {
          cancelled.push(asks)
          cancel(new Error())
        },
      }
    },
    hosts: () => Promise.resolve(hosts),
    system: (name, family) => {
      asked.push(`system: ${name} ${family}`)
      return answer(system)
    },
  }
  return { names: new Names(sources), asked, cancelled }
}

/** How a promise has ended so far. */
function outcomeOf(promise: Promise<unknown>): { is: unknown } {
  const outcome: { is: unknown } = { is: 'open' }
  promise.then(
    (value) => (outcome.is = value),
    (error: Error) => (outcome.is = error.message),
  )
  return outcome
}

const later = (ms = 0): Promise<void> => jest.advanceTimersByTimeAsync(ms).then(() => undefined)

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

describe('the addresses of a host', () => {
  it('are what the name servers say, asked once for all who want them, and again two seconds later', async () => {
    const { names, asked } = lookups(() => ['192.0.2.1'])
    const all = [names.find('a.example', 4), names.find('A.example.', 4)]
    await later()
    expect(await Promise.all([...all, names.find('a.example', 4)])).toEqual(Array(3).fill(['192.0.2.1']))
    expect(asked).toEqual(['a.example 4'])
    await later(2_000)
    names.find('a.example', 4).catch(() => undefined)
    await later()
    expect(asked).toEqual(['a.example 4', 'a.example 4'])
  })

  it.each([
    ['localhost', 4, ['127.0.0.1']],
    ['db.localhost', 6, ['::1']],
    ['192.0.2.7', 4, ['192.0.2.7']],
    ['other', 4, ['10.0.0.2']],
    ['OTHER', 6, ['fd00::2']],
  ] as const)('are known without a question: %s, IPv%d', async (name, family, addresses) => {
    const hosts = '# 10.0.0.1 other\n10.0.0.2\tbox other # other\n\nfd00::2 other\n'
    const { names, asked } = lookups(() => undefined, { hosts })
    const found = names.find(name, family)
    await later()
    expect(await found).toEqual(addresses)
    expect(asked).toEqual([])
  })

  it('are eight at most', async () => {
    const { names } = lookups(() => Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`))
    const found = names.find('a.example', 4)
    await later()
    expect(await found).toHaveLength(8)
  })

  it('are asked of the system when the servers know no such name, one name at a time', async () => {
    const { names, asked } = lookups(() => 'ENOTFOUND', { system: ['10.0.0.9'], after: 100 })
    const all = ['printer', 'scanner'].map((name) => names.find(name, 4))
    await later(150)
    expect(asked).toEqual(['printer 4', 'scanner 4', 'system: printer 4'])
    await later(200)
    expect(await Promise.all(all)).toEqual([['10.0.0.9'], ['10.0.0.9']])
  })

  it.each([
    ['an answer that there is none', 'ENODATA', 0, 'a.example has no IPv6 address'],
    ['an error that took long', 'ESERVFAIL', 1_500, 'the name servers do not say where a.example is (ESERVFAIL)'],
    ['their silence', 'ETIMEOUT', 0, 'the name servers do not say where a.example is (ETIMEOUT)'],
  ])('are not asked of the system after %s', async (_, code, after, message) => {
    const { names, asked } = lookups(() => code, { system: ['::2'], after })
    const outcome = outcomeOf(names.find('a.example', 6))
    await later(after)
    expect(outcome.is).toBe(message)
    expect(asked).toEqual(['a.example 6'])
  })

  it('are what nobody knows if the system does not know either', async () => {
    const { names } = lookups(() => 'ENOTFOUND', { system: 'EAI_AGAIN' })
    const outcome = outcomeOf(names.find('a.example', 4))
    await later(1)
    expect(outcome.is).toBe('nobody knows where a.example is (EAI_AGAIN)')
  })
})

describe('a name of which nothing is heard', () => {
  it('is given up in time, and holds up no other one', async () => {
    const { names, cancelled } = lookups((name) => (name === 'dead' ? undefined : ['192.0.2.1']))
    const dead = outcomeOf(names.find('dead', 4))
    const good = outcomeOf(names.find('good', 4))
    await later(1)
    expect([dead.is, good.is]).toEqual(['open', ['192.0.2.1']])
    await later(LOOKUP_TIMEOUT)
    expect(dead.is).toBe(`no name server has said within ${LOOKUP_TIMEOUT} ms where dead is`)
    expect(cancelled).toEqual(['dead 4'])
  })

  it('holds up no other one at the system either', async () => {
    const { names, asked } = lookups(() => 'ENOTFOUND', { system: undefined })
    const first = outcomeOf(names.find('first', 4))
    const second = outcomeOf(names.find('second', 4))
    await later(LOOKUP_TIMEOUT)
    expect([first.is, second.is]).toEqual(['first', 'second'].map((name) => `no name server has said within 5000 ms where ${name} is`)) // prettier-ignore
    expect(asked.filter((text) => text.startsWith('system'))).toEqual(['system: first 4'])
  })

  it('ends with the node', async () => {
    const { names, cancelled } = lookups(() => undefined)
    const outcome = outcomeOf(names.find('dead', 4))
    await later()
    names.stop()
    await later()
    expect(outcome.is).toBe('the node stops')
    expect(cancelled).toEqual(['dead 4'])
    expect(jest.getTimerCount()).toBe(0)
    await expect(names.find('other', 4)).rejects.toThrow('the node stops')
  })

  it('is one of so many', async () => {
    const { names, asked } = lookups(() => undefined)
    for (let i = 0; i < MAX_LOOKUPS; i++) names.find(`dead${i}`, 4).catch(() => undefined)
    await expect(names.find('one.more', 4)).rejects.toThrow('256 names are being looked up already')
    await later()
    expect(asked).toHaveLength(MAX_LOOKUPS)
    names.stop()
    await later()
  })
})

describe('what a socket asks for', () => {
  const ask = (names: Names, families: (4 | 6)[], all: boolean): Promise<unknown[]> =>
    new Promise((resolve) => names.lookup(families)('a.example', { all }, (...answer) => resolve(answer)))

  it('are the addresses of both families, but not if those of one are late', async () => {
    const both = lookups((_, family) => (family === 4 ? ['192.0.2.1'] : ['2001:db8::1']))
    const answer = ask(both.names, [6, 4], true)
    await later()
    expect(await answer).toEqual([null, [{ address: '2001:db8::1', family: 6 }, { address: '192.0.2.1', family: 4 }]]) // prettier-ignore
    const one = lookups((_, family) => (family === 4 ? ['192.0.2.1'] : undefined))
    const early = ask(one.names, [6, 4], true)
    await later(50)
    expect(await early).toEqual([null, [{ address: '192.0.2.1', family: 4 }]])
    one.names.stop()
    await later()
  })

  it('is one address, or the reason why there is none', async () => {
    const found = ask(lookups(() => ['192.0.2.1']).names, [4], false)
    const none = ask(lookups(() => 'ENODATA').names, [4], false)
    await later()
    expect(await found).toEqual([null, '192.0.2.1', 4])
    expect(await none).toMatchObject([{ message: 'a.example has no IPv4 address' }, []])
  })
})
