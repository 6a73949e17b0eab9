import { describe, expect, it } from '@jest/globals'
import {
  barred,
  change,
  createLists,
  heldOf,
  isBarred,
  NOT_AUTHORIZED,
  sizeOf,
  textOfBarred,
  type AccessLists,
  type ListName,
} from '../../../src/core/access/lists.js'
import { prefixOf } from '../../../src/core/access/ranges.js'

function listsOf(entries: Partial<Record<ListName, string[]>>, closed = entries.allow !== undefined): AccessLists {
  const lists = { ...createLists(), closed }
  for (const [list, texts] of Object.entries(entries)) {
    for (const text of texts) {
      const range = prefixOf(text)
      const entry = range === undefined ? { peer: text } : { range }
      change(lists, { list: list as ListName, entry, until: Infinity })
    }
  }
  return lists
}

const IN = '/ip4/10.0.0.1/tcp/1'
const OUT = '/ip4/192.0.2.1/tcp/1'

describe('lists', () => {
  it.each([
    ['no entries', {}, { peer: 'bob', address: IN }, undefined],
    ['a denied peer', { deny: ['bob'] }, { peer: 'bob', address: IN }, 'denied'],
    ['another peer', { deny: ['bob'] }, { peer: 'carol', address: IN }, undefined],
    ['a denied address', { deny: ['10.0.0.0/8'] }, { address: IN }, 'denied'],
    ['another address', { deny: ['10.0.0.0/8'] }, { address: OUT }, undefined],
    [
      'a peer that is allowed, at an address that is denied',
      { allow: ['bob'], deny: ['10.0.0.0/8'] },
      { peer: 'bob', address: IN },
      'denied',
    ],
    ['a banned peer', { bans: ['bob'] }, { peer: 'bob' }, 'banned'],
    ['a banned address, whatever the peer', { bans: ['10.0.0.1'] }, { peer: 'carol', address: IN }, 'banned'],
    [
      'a banned address of a peer that is spared',
      { bans: ['10.0.0.1'], spared: ['bob'] },
      { peer: 'bob', address: IN },
      undefined,
    ],
    ['… of another one', { bans: ['10.0.0.1'], spared: ['bob'] }, { peer: 'carol', address: IN }, 'banned'],
    ['… of whom it is not known yet', { bans: ['10.0.0.1'], spared: ['bob'] }, { address: IN }, undefined],
    [
      'a denied address of a peer that is spared',
      { deny: ['10.0.0.1'], spared: ['bob'] },
      { peer: 'bob', address: IN },
      'denied',
    ],
    [
      'a denied address of whom it is not known yet',
      { deny: ['10.0.0.1'], spared: ['bob'] },
      { address: IN },
      'denied',
    ],
    ['nobody is allowed', { allow: [] }, { address: IN }, 'notAllowed'],
    ['a peer that is allowed', { allow: ['bob'] }, { peer: 'bob', address: OUT }, undefined],
    ['a peer that is not', { allow: ['bob'] }, { peer: 'carol', address: OUT }, 'notAllowed'],
    ['who it is, is not known yet', { allow: ['bob'] }, { address: OUT }, undefined],
    ['an address that is allowed', { allow: ['10.0.0.0/8'] }, { peer: 'carol', address: IN }, undefined],
    ['an address that is not, and no peer could be', { allow: ['10.0.0.0/8'] }, { address: OUT }, 'notAllowed'],
    ['where it is, is not known yet', { allow: ['10.0.0.0/8'] }, { peer: 'carol' }, undefined],
    ['a peer or an address', { allow: ['bob', '10.0.0.0/8'] }, { peer: 'bob', address: OUT }, undefined],
    [
      'an address that only leads to an allowed one',
      { allow: ['10.0.0.0/8'] },
      { peer: 'eve', address: '/ip6/2002:a00:1::1/tcp/1' },
      'notAllowed',
    ],
  ] as const)('%s', (_, entries, visitor, expected) => {
    expect(barred(listsOf(entries as Partial<Record<ListName, string[]>>), visitor)).toBe(expected)
  })

  it('forget what leaves them, and hold each entry once', () => {
    const lists = createLists()
    const range = { range: prefixOf('10.0.0.0/8')! }
    for (let i = 0; i < 3; i++) change(lists, { list: 'deny', entry: range, until: 10 + i })
    change(lists, { list: 'deny', entry: { peer: 'bob' }, until: 5 })
    expect([{ peer: 'bob' }, range].map((entry) => heldOf(lists, 'deny', entry)?.until)).toEqual([5, 12])
    expect(sizeOf(lists.deny)).toBe(2)
    for (const entry of [range, { peer: 'bob' }, { peer: 'nobody' }])
      change(lists, { list: 'deny', entry, until: undefined })
    expect([sizeOf(lists.deny), lists.deny.ranges.size]).toEqual([0, 0])
  })

  it('of many thousand entries take a look for each length of prefix', () => {
    const lists = createLists()
    for (let i = 0; i < 50_000; i++) {
      const range = prefixOf(`${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`)!
      change(lists, { list: 'deny', entry: { range }, until: Infinity })
      change(lists, { list: 'deny', entry: { peer: `peer ${i}` }, until: Infinity })
    }
    expect(lists.deny.ranges.size).toBe(1)
    expect(barred(lists, { peer: 'bob', address: '/ip4/20.7.9.5/tcp/1' })).toBe('denied')
    expect(barred(lists, { peer: 'bob', address: '/ip4/99.7.9.5/tcp/1' })).toBeUndefined()
  })
})

describe('the reason of an attempt', () => {
  const denied = textOfBarred('denied')

  it.each([
    denied,
    textOfBarred('notAllowed'),
    NOT_AUTHORIZED,
    `127.0.0.1: ${denied}`,
    `127.0.0.1: ${denied}, ::1: ${denied}`,
  ])('is one of access: %s', (reason) => expect(isBarred(reason)).toBe(true))

  it.each(['connection refused', '', `127.0.0.1: ${denied}, ::1: connection refused`, `localhost: ${denied}`])(
    'is another one: %j',
    (reason) => expect(isBarred(reason)).toBe(false),
  )
})
