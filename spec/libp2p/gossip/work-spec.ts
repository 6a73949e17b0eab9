/** How much work an RPC is, and what of it is said twice. */
import { expect, it } from '@jest/globals'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { lastWords, workOf } from '../../../src/libp2p/gossip/work.js'
import { bytes } from '../../support/bytes.js'

const NONE: RPC.ControlMessage = { graft: [], prune: [], ihave: [], iwant: [], idontwant: [] }
const of = (control: Partial<RPC.ControlMessage>, subscriptions: RPC.SubOpts[] = []): RPC => ({
  ...{ subscriptions, messages: [] },
  control: { ...NONE, ...control },
})
const ids = (count: number) => [{ messageIDs: Array.from({ length: count }, (_, at) => bytes(`${at}`)) }]
const many = <T>(one: T): T[] => Array<T>(1_000).fill(one)

it('grows with all that is in it, and is never nothing', () => {
  const empty = workOf(of({}))
  expect(empty).toBeGreaterThan(0)
  const all: RPC[] = [
    of({}, many({ topic: 'a', subscribe: true })),
    of({ graft: many({ topicID: 'a' }) }),
    of({ prune: many({ topicID: 'a', peers: [] }) }),
    of({ ihave: many({ topicID: 'a', messageIDs: [] }) }),
    of({ ihave: ids(1_000).map((one) => ({ topicID: 'a', ...one })) }),
    of({ iwant: many({ messageIDs: [] }) }),
    of({ iwant: ids(1_000) }),
    of({ idontwant: many({ messageIDs: [] }) }),
    of({ idontwant: ids(1_000) }),
  ]
  for (const rpc of all) expect(workOf(rpc)).toBeGreaterThan(50)
})

it('is said once of each topic: the last word counts', () => {
  const rpc = of(
    {
      graft: [{ topicID: 'a' }, { topicID: 'b' }, { topicID: 'a' }],
      prune: [
        { topicID: 'a', peers: [], backoff: 1 },
        { topicID: 'a', peers: [], backoff: 2 },
      ],
    },
    [
      { topic: 'a', subscribe: true },
      { topic: 'b', subscribe: true },
      { topic: 'a', subscribe: false },
    ],
  )
  const { subscriptions, control } = lastWords(rpc)
  expect(subscriptions).toEqual([
    { topic: 'b', subscribe: true },
    { topic: 'a', subscribe: false },
  ])
  expect(control?.graft).toEqual([{ topicID: 'b' }, { topicID: 'a' }])
  expect(control?.prune).toEqual([{ topicID: 'a', peers: [], backoff: 2 }])
})

it('is the same RPC where nothing is said twice', () => {
  const one = of({ graft: [{ topicID: 'a' }] }, [{ topic: 'a', subscribe: true }])
  expect(lastWords(one)).toBe(one)
  const plain: RPC = { subscriptions: [], messages: [{ topic: 'a' }] }
  expect(lastWords(plain)).toBe(plain)
})
