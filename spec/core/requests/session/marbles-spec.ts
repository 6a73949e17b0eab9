/**
 * Cancel, deadlines, credit and fairness of a session as pictures: what arrives above, what leaves below, one frame is one
 * millisecond. The other side is a peer that we write by hand.
 */
import { describe, expect, it } from '@jest/globals'
import { Subject, type Observable } from 'rxjs'
import { TestScheduler, type RunHelpers } from 'rxjs/testing'
import type { Effect } from '../../../../src/core/effects.js'
import type { Event } from '../../../../src/core/events.js'
import { Lane } from '../../../../src/lane/lane.js'
import { feed } from '../../../support/lane-marbles.js'
import { bytes } from '../../../support/core.js'
import { answering, asking, type SessionCore } from '../../../support/session-cores.js'
import { cancel, credit, fail, filled, reply, request } from '../../../support/session.js'

const QUIET = new Set(['log', 'statusChanged', 'peersChanged'])

interface Pictures extends RunHelpers {
  /** The lane of a node with a session that is open: its effects and frames, those of an instant in one array. */
  lane: (core: SessionCore, events$: Observable<Event | Event[]>, until: number) => Observable<string[]>
}

function pictures(test: (helpers: Pictures) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  })
  scheduler.run((helpers) => {
    const lane: Pictures['lane'] = (core, events$, until) => {
      const lines$ = new Subject<string[]>()
      let batch: Effect[] = []
      const flush = (): void => {
        lines$.next(core.lines(batch))
        batch = []
      }
      // What was armed when the session was opened by hand is not.
      core.state.due.wakeAt = Infinity
      const one = new Lane({
        state: core.state,
        scheduler,
        run: (effect) => {
          if (QUIET.has(effect.type)) return
          if (batch.length === 0) scheduler.schedule(flush)
          batch.push(effect)
        },
        crashed: (error) => {
          throw error
        },
      })
      const fed = events$.subscribe((events) => {
        for (const event of Array.isArray(events) ? events : [events]) feed(one, event)
      })
      scheduler.schedule(() => {
        fed.unsubscribe()
        one.close()
        lines$.complete()
      }, until)
      return lines$
    }
    test({ ...helpers, lane })
  })
}

const writable = (core: SessionCore): Event => ({ type: 'writable', stream: core.stream })
const next = (size: number): Event => ({ type: 'next', exchange: -1, data: filled(size) })

describe('a cancel', () => {
  it('crosses to the answerer as soon as it can be written, and what crosses with it is dropped', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = asking()
      const events$ = hot('a-c-w-r-f', {
        a: core.asking(1),
        c: { type: 'cancel', ask: 1 },
        w: writable(core),
        r: core.hears(reply(1, bytes('late'))),
        f: core.hears(fail(1, 'Cancelled')),
      } satisfies Record<string, Event>)
      expectObservable(lane(core, events$, 20)).toBe('A---C---------------|', {
        A: ['REQUEST 1 ONE, 10000 ms, credit 1048608, "?"'],
        C: ['CANCEL 1'],
      })
    })
  })

  it('of the asker stops the handler in the same instant', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = answering()
      const events$ = hot('q--nw-c--n', {
        q: core.hears(request(1, bytes('?'), { credit: 1_000 })),
        n: next(3),
        w: writable(core),
        c: core.hears(cancel(1)),
      } satisfies Record<string, Event>)
      expectObservable(lane(core, events$, 20)).toBe('H--V--X-------------|', {
        H: ['handle -1 "?"'],
        V: [`REPLY 1, "${Buffer.from(filled(3)).toString()}"`],
        X: ['cancelHandler -1', 'FAIL 1 Cancelled'],
      })
    })
  })
})

describe('a deadline', () => {
  it('ends a request at its very instant, and tells the answerer', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = asking()
      const events$ = hot('aw', { a: core.asking(1, bytes('?'), undefined, 8), w: writable(core) })
      expectObservable(lane(core, events$, 20)).toBe('A-------X-----------|', {
        A: ['REQUEST 1 ONE, 8 ms, credit 1048608, "?"'],
        X: ['fail 1 RequestTimeout', 'CANCEL 1'],
      })
    })
  })

  it('is met by an answer that arrives in its instant', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = asking()
      const events$ = hot('aw------r', {
        a: core.asking(1, bytes('?'), undefined, 8),
        w: writable(core),
        r: core.hears(reply(1, bytes('just'), { last: true })),
      })
      expectObservable(lane(core, events$, 20)).toBe('A-------S-----------|', {
        A: ['REQUEST 1 ONE, 8 ms, credit 1048608, "?"'],
        S: ['settle 1 "just"'],
      })
    })
  })

  it('of the asker ends the work of the answerer, who is told of the time that is left', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = answering()
      const events$ = hot('--q', { q: core.hears(request(1, bytes('?'), { timeout: 6 })) })
      expectObservable(lane(core, events$, 20)).toBe('--H-----X-----------|', {
        H: ['handle -1 "?"'],
        X: ['cancelHandler -1', 'FAIL 1 Timeout, "nobody answered within 6 ms"'],
      })
    })
  })

  it('is for the first value: the others may take their time', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = asking()
      const events$ = hot('aw---v---------v', {
        a: core.asking(1, bytes('?'), { mode: 'pull' }, 8),
        w: writable(core),
        v: core.hears(reply(1, bytes('v'))),
      })
      expectObservable(lane(core, events$, 30)).toBe('A----V---------V--------------|', {
        A: ['REQUEST 1, 8 ms, credit 65536, "?"'],
        V: ['value 1 "v"'],
      })
    })
  })
})

describe('credit', () => {
  it('lets a producer make as much as is taken, and no more', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = answering()
      // Each value takes 100 of the credit and 324 of the leave: the first credit is for two of them, then the asker gives it one by one.
      const events$ = hot('qpnnn--c--c', {
        q: core.hears(request(1, bytes('?'), { credit: 200 })),
        p: { type: 'pullable', exchange: -1 },
        n: [next(68), writable(core)],
        c: [core.hears(credit(1, 100)), writable(core)],
      } satisfies Record<string, Event | Event[]>)
      expectObservable(lane(core, events$, 20)).toBe('HPLV---V--M---------|', {
        H: ['handle -1 "?"'],
        P: ['produce -1 200'],
        L: ['produce -1 224', 'REPLY 1, 68 bytes'],
        V: ['REPLY 1, 68 bytes'],
        // The third value was made without leave; this credit is the first that is left over.
        M: ['produce -1 648'],
      })
    })
  })

  it('comes back in one piece when a consumer has taken half of its window', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = asking()
      const events$ = hot('aw-v-v-v---t-t-t', {
        a: core.asking(1, bytes('?'), { mode: 'pull' }),
        w: writable(core),
        v: core.hears(reply(1, filled(15_968))),
        t: { type: 'taken', ask: 1, cost: 16_000 },
      } satisfies Record<string, Event>)
      expectObservable(lane(core, events$, 20)).toBe('A--V-V-V-------C----|', {
        A: ['REQUEST 1, 10000 ms, credit 65536, "?"'],
        V: ['value 1 15968 bytes'],
        C: ['CREDIT 1 48000'],
      })
    })
  })
})

describe('fairness', () => {
  it('lets a small answer go with the next write, whatever large ones wait', () => {
    pictures(({ hot, lane, expectObservable }) => {
      const core = answering().paced()
      const large = (exchange: number): Event => ({ type: 'respond', exchange, data: filled(100_000) })
      const rich = { credit: 200_000 }
      const events$ = hot('q-l-s-w-w-w', {
        q: core.hears(...[1, 2, 3].map((id) => request(id, bytes('?'), rich))),
        l: [large(-1), large(-2)],
        s: { type: 'respond', exchange: -3, data: bytes('small') },
        w: writable(core),
      } satisfies Record<string, Event | Event[]>)
      const [begun1, begun2] = [1, 2].map((id) => `REPLY ${id} MORE, of 100000, 16384 bytes`)
      const [more1, more2] = [1, 2].map((id) => `REPLY ${id} MORE, 16384 bytes`)
      expectObservable(lane(core, events$, 20)).toBe('H-L---S-M-N---------|', {
        H: ['handle -1 "?"', 'handle -2 "?"', 'handle -3 "?"'],
        // The last piece of a write is what the write has room for.
        L: [begun1, begun2, more1, 'REPLY 2 MORE, 16203 bytes'],
        S: ['REPLY 3 LAST, "small"', more1, more2, more1, 'REPLY 2 MORE, 16201 bytes'],
        M: [more1, more2, more1, 'REPLY 2 MORE, 16209 bytes'],
        N: ['REPLY 1 LAST, 1696 bytes', 'REPLY 2 LAST, 2235 bytes'],
      })
    })
  })
})
