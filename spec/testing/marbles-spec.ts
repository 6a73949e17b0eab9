/** Marbles over a network: what is drawn happens at its times, what is seen is compared, and what went wrong is readable. */
import { AssertionError } from 'node:assert'
import { describe, expect, it } from '@jest/globals'
import { concatMap, defer, interval, map, mergeMap, NEVER, of, throwError, timer } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { P2pError, type P2pNode } from 'tinyp2p'
import { marbles, simulate, type MarbleHelpers, type SimulatedNetwork } from 'tinyp2p/testing'
import { bytes as encode, text as decode } from '../support/bytes.js'

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  )
}

/** Two nodes, 10 ms apart, that know each other, and the second of which echoes. */
async function pair(): Promise<[SimulatedNetwork, P2pNode, P2pNode]> {
  const net = simulate({ latency: 10 })
  const a = await net.createNode({ topics: ['news'] })
  const b = await net.createNode({ topics: ['news'], bootNodes: a.addresses })
  b.setEventHandler({ handleInboundRequest: (data) => data })
  await net.run(2_000)
  return [net, a, b]
}

describe('marbles over a network', () => {
  it('asks at these times, cuts at that time, and sees these answers', async () => {
    const [net, a, b] = await pair()
    await marbles(net, ({ hot, at, expectObservable }) => {
      const answers$ = hot('100ms x 999ms y 19s z').pipe(
        mergeMap((text) => a.request(b.peerId, encode(text), { timeout: 60_000 })),
        map(decode),
      )
      at('1s p 5s h', { p: () => net.partition([[a], [b]]), h: () => net.heal() })
      // 40 ms: a session is opened, and the request goes and comes; later ones take 20. What the partition holds back comes
      // when it heals.
      expectObservable(answers$).toBe('140ms x 5880ms y 14099ms z')
    })
  })

  it('sees the broadcasts of a node at the times when they arrive', async () => {
    const [net, a, b] = await pair()
    await marbles(net, ({ cold, expectObservable }) => {
      const sent$ = cold('500ms x 2s y').pipe(concatMap((text) => a.broadcast('news', encode(text))))
      const seen$ = b.broadcasts$('news').pipe(map(({ data }) => decode(data)))
      expectObservable(seen$).toBe('510ms x 2s y')
      expectObservable(sent$.pipe(map(({ recipients }) => recipients.length))).toBe('500ms 1 2s 1', { 1: 1 })
    })
  })

  it('takes errors by their properties, by a pattern, by an equal one, or any', async () => {
    const net = simulate()
    const failure = new P2pError('DialError', 'nobody is there')
    await marbles(net, ({ expectObservable }) => {
      const failing$ = throwError(() => failure)
      expectObservable(failing$).toBe('#')
      expectObservable(failing$).toBe('#', undefined, { code: 'DialError' })
      expectObservable(failing$).toBe('#', undefined, /nobody/)
      expectObservable(failing$).toBe('#', undefined, failure)
    })
    for (const wrong of [{ code: 'NodeStopped' }, /somebody/, new Error('nobody is there'), 'DialError', null]) {
      const failing = marbles(net, ({ expectObservable }) => {
        expectObservable(throwError(() => failure)).toBe('#', undefined, wrong)
      })
      await expect(failing).rejects.toThrow(AssertionError)
    }
  })

  it('begins when it is called, however late that is', async () => {
    const net = simulate()
    await net.run(12_345)
    await marbles(net, ({ hot, cold, expectObservable }) => {
      expectObservable(hot('5ms a')).toBe('5ms a')
      expectObservable(cold('5ms a|')).toBe('5ms a|')
      expectObservable(timer(7, net.scheduler)).toBe('7ms (0|)', { 0: 0 })
    })
    expect(net.now).toBe(12_352)
  })

  it('draws cold observables from each subscription on, hot ones from the beginning', async () => {
    const net = simulate()
    await marbles(net, ({ hot, cold, expectObservable }) => {
      expectObservable(cold('a-b|'), '3ms ^').toBe('---a-b|')
      expectObservable(hot('ab-c|'), '-^').toBe('-b-c|')
      expectObservable(hot('a#', undefined, 'gone')).toBe('a#', undefined, 'gone')
      expectObservable(cold('a#')).toBe('a#', undefined, 'error')
    })
  })

  it('unsubscribes where ! is drawn, and at the end of the picture whatever goes on', async () => {
    const net = simulate()
    let ended = 0
    await marbles(net, ({ expectObservable }) => {
      const endless$ = defer(() => interval(10, net.scheduler))
      expectObservable(endless$, '^ 24ms !').toBe('10ms a 9ms b', { a: 0, b: 1 })
      expectObservable(NEVER).toBe('')
      endless$.subscribe({ complete: () => ended++ })
    })
    expect(net.now).toBe(25)
    expect(ended).toBe(0)
  })

  it('fails when more comes before the end of the picture, and does not look beyond it', async () => {
    const net = simulate()
    const draw = (end: string) =>
      marbles(net, ({ cold, expectObservable }) => {
        expectObservable(cold('a').pipe(concatMap((value) => timer(10, net.scheduler).pipe(map(() => value))))).toBe(
          end,
        )
      })
    await draw('9ms ')
    await expect(draw('10ms b')).rejects.toThrow(AssertionError)
    const late = marbles(net, ({ expectObservable }) => expectObservable(timer(50, net.scheduler)).toBe(''), {
      until: 50,
    })
    await expect(late).rejects.toThrow(/50 {2}\? = 0/)
  })

  it('lets promises settle between two instants, and goes on within the instant', async () => {
    const net = simulate()
    await marbles(net, ({ cold, expectObservable }) => {
      const slow$ = cold('5ms a').pipe(
        mergeMap(async (value) => {
          for (let i = 0; i < 20; i++) await Promise.resolve()
          return value
        }),
      )
      expectObservable(slow$).toBe('5ms a')
    })
  })

  it('runs actions that take their time within one instant: a node restarts in its own', async () => {
    const [net, a, b] = await pair()
    const seen: string[] = []
    await marbles(net, ({ at }) => {
      at('1s c 1s r', {
        c: async () => {
          await net.crash(b)
          seen.push(`crashed ${net.now}`)
        },
        r: async () => {
          const again = await net.restart(b)
          seen.push(`restarted ${net.now} ${again.peerId === b.peerId}`)
          await a.dial(again.addresses[0]!)
          seen.push(`dialled ${net.now}`)
        },
      })
    }, { until: 5_000 }) // prettier-ignore
    expect(seen).toEqual(['crashed 3000', 'restarted 4001 true', 'dialled 4081'])
  })

  it('leaves frames of RxJS as they were', async () => {
    const before = TestScheduler.frameTimeFactor
    await marbles(simulate(), ({ time, expectObservable }) => {
      expect(time('5s |')).toBe(5_000)
      expect(time('--1.5s |')).toBe(1_502)
      expectObservable(of(1)).toBe('(a|)', { a: 1 })
    }).catch(() => {})
    expect(TestScheduler.frameTimeFactor).toBe(before)
  })
})

describe('what marbles says when something else happened', () => {
  it('draws both sides, and marks what is missing and what should not be', async () => {
    const net = simulate({ seed: 42 })
    const failing = marbles(net, ({ cold, expectObservable }) => {
      expectObservable(cold('a|')).toBe('a|')
      expectObservable(cold('20ms a 10ms c 5s b', { a: 1, b: { of: 'b' }, c: 3 })).toBe('20ms a 5s b| 1s', {
        a: 1,
        b: { of: 'b' },
      })
    })
    expect(await messageOf(failing)).toBe(
      [
        '1 of 2 observables did something else (virtual ms since the beginning at 0, seed 42):',
        '  expectObservable number 2, toBe("20ms a 5s b| 1s"):',
        '    expected: 20ms a 5000ms b |',
        '    seen:     20ms a 10ms ? 5000ms b',
        '           20  a = 1',
        '    +      31  ? = 3',
        "    -    5021  b = { of: 'b' }",
        '    -    5022  |',
        "    +    5032  b = { of: 'b' }",
      ].join('\n'),
    )
  })

  it('carries both sides for the test runner, and tells errors by code', async () => {
    const failing = marbles(simulate(), ({ cold, expectObservable }) => {
      expectObservable(cold('-#', undefined, new P2pError('NodeStopped', 'it is over'))).toBe('-a', { a: 1 })
    })
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
      expected: [['      1  a = 1']],
      actual: [['      1  # P2pError NodeStopped: it is over']],
    })
  })

  it('leaves out what is the same before, and what is too much after', async () => {
    const failing = marbles(simulate(), ({ expectObservable }) => {
      expectObservable(interval(1, simulate().scheduler)).toBe('a')
    })
    await expect(failing).rejects.toThrow('(nothing)')
    const net = simulate()
    const long = marbles(
      net,
      ({ expectObservable }) => {
        const drawn = Array.from({ length: 50 }, (_, i) => `9ms ${String.fromCharCode(97 + (i % 26))}`).join(' ')
        const texts$ = interval(10, net.scheduler).pipe(map((i) => (i < 40 ? String.fromCharCode(97 + (i % 26)) : '!')))
        expectObservable(texts$).toBe(drawn.replace('9ms', '10ms'))
      },
      { until: 2_000 },
    )
    const message = await messageOf(long)
    expect(message).toContain('… 35 more that are the same')
    expect(message).toMatch(/… \d+ more$/m)
    expect(message.split('\n').length).toBeLessThan(60)
  })

  it('compares as node:assert does: no undefined for a missing key, no number for a text', async () => {
    for (const [seen, drawn] of [
      [{ a: 1 }, { a: 1, b: undefined }],
      [1, '1'],
      [new Uint8Array(2), [0, 0]],
    ]) {
      const failing = marbles(simulate(), ({ expectObservable }) => {
        expectObservable(of(seen)).toBe('(x|)', { x: drawn })
      })
      await expect(failing).rejects.toThrow(AssertionError)
    }
    await marbles(simulate(), ({ expectObservable }) => {
      expectObservable(of(Uint8Array.of(1, 2))).toBe('(x|)', { x: Uint8Array.of(1, 2) })
    })
  })

  it('fails with what an action throws or rejects with', async () => {
    const net = simulate()
    const act = (action: () => unknown) => marbles(net, ({ at }) => at('5ms x', { x: action }))
    await expect(act(() => { throw new Error('no scissors') })).rejects.toThrow('no scissors') // prettier-ignore
    await expect(act(async () => { throw new Error('no glue') })).rejects.toThrow('no glue') // prettier-ignore
    await expect(marbles(net, () => Promise.reject(new Error('no paper')))).rejects.toThrow('no paper')
    await act(() => new Promise(() => {}))
  })
})

describe('marbles that make no sense', () => {
  const drawings: [string, (helpers: MarbleHelpers) => void, RegExp][] = [
    ['a time that is glued to a mark', ({ cold }) => cold('20msa'), /"20msa".*blank on both sides of 20ms/],
    ['a mark that is glued to a time', ({ cold }) => cold('a5s b'), /blank on both sides of 5s/],
    ['a group in a group', ({ cold }) => cold('(a(b))'), /a \( too many/],
    ['a group that is never opened', ({ cold }) => cold('ab)'), /a \) too many/],
    ['a group that is never closed', ({ cold }) => cold('(ab'), /never closed/],
    ['time in a group', ({ cold }) => cold('(a 5ms b)'), /no time passes within/],
    ['a frame in a group', ({ cold }) => cold('(a-b)'), /no time passes within/],
    ['a value after the end', ({ hot }) => hot('a|b'), /comes after its end/],
    ['a second end', ({ hot }) => hot('a|  #'), /comes after its end/],
    ['parts of a millisecond', ({ hot }) => hot('0.5ms a'), /whole milliseconds/],
    ['a subscription among values', ({ hot }) => hot('-^-a'), /second argument of expectObservable/],
    ['no text', ({ hot }) => hot(5 as never), /must be a text/],
    ['a value that is not named', ({ cold }) => cold('ab', { a: 1 }), /what b is; there are a/],
    ['an action that is not named', ({ at }) => at('x', {}), /what x is; there are no values/],
    ['an action that is none', ({ at }) => at('x', { x: 5 as never }), /x must be a function, not 5/],
    ['an action that is never done', ({ at }) => at('x', { x: () => {}, y: () => {} }), /never does y/],
    ['an end of actions', ({ at }) => at('x|', { x: () => {} }), /\| is no action/],
    ['a time with values', ({ time }) => time('a 5s |'), /nothing but its end/],
    ['a time without an end', ({ time }) => time('5s'), /nothing but its end/],
    ['a value in a subscription', ({ expectObservable }) => expectObservable(NEVER, '^a'), /'\^' and '!' markers/],
    ['an end before the beginning', ({ expectObservable }) => expectObservable(NEVER, '!-^'), /! comes before its \^/],
    ['an expectation of nothing', ({ expectObservable }) => expectObservable(NEVER), /number 1 expects nothing/],
    [
      'an expectation of a value that is not named',
      ({ expectObservable }) => expectObservable(NEVER).toBe('b', { a: 1 }),
      /what b is/,
    ],
  ]

  it.each(drawings)('are refused: %s', async (_, draw, message) => {
    const net = simulate()
    const failing = marbles(net, (helpers) => draw(helpers))
    await expect(failing).rejects.toThrow(message)
    await expect(failing).rejects.toMatchObject({ code: 'InvalidConfig' })
    expect(net.now).toBe(0)
  })

  it('may have time at their end and blanks anywhere', async () => {
    const net = simulate()
    await marbles(net, ({ cold, expectObservable }) => {
      expectObservable(cold('  a  (b c) 1m  ')).toBe('a(bc)')
      expectObservable(cold('a 5s | 1s')).toBe('a 5s |')
    })
    expect(net.now).toBe(60_004)
  })

  it('and helpers that are used too late, or an until that is none', async () => {
    const net = simulate()
    let kept!: MarbleHelpers
    await marbles(net, (helpers) => void (kept = helpers))
    expect(() => kept.cold('a')).toThrow(/use the helpers inside/)
    for (const until of [-1, NaN, Infinity, '5' as never]) {
      await expect(marbles(net, () => {}, { until })).rejects.toMatchObject({ code: 'InvalidConfig' })
    }
  })

  it('may run beside another run of the same network', async () => {
    const net = simulate()
    const running = net.run(10)
    await marbles(net, ({ cold, expectObservable }) => expectObservable(cold('5ms a')).toBe('5ms a'))
    await running
    expect(net.now).toBe(10)
  })

  it('that does not hold shows what came after its end, too', async () => {
    const net = simulate()
    const failing = marbles(net, ({ expectObservable }) => {
      expectObservable(timer(20, net.scheduler).pipe(map(() => 'a'))).toBe('10ms a')
    })
    const message = await failing.then(String, ({ message: text }: Error) => text)
    expect(message).toContain('seen:     (nothing)')
    expect(message).toMatch(/from the end of the picture at 10 on, for 60 s:\n +~ +20 {2}a\n +~ +20 {2}\|/)
  })
})
