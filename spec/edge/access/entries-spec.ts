import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../../../src/config/config.js'
import { oddities } from '../../../src/config/oddities.js'
import { textOfEntry } from '../../../src/core/access/lists.js'
import { checkEntries } from '../../../src/edge/access/entries.js'

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const OTHER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

describe('entries', () => {
  it('are peer ids and ranges, one or several, each counted once', () => {
    const texts = (value: unknown) => checkEntries(value, 'x').map(textOfEntry)
    expect(texts(PEER)).toEqual([PEER])
    expect(texts([PEER, '10.1.2.3/8', PEER, '10.0.0.0/8', '::1'])).toEqual([PEER, '10.0.0.0/8', '::1/128'])
    expect(texts([])).toEqual([])
  })

  it.each([
    ['nobody', 'access.deny: "nobody" is neither a peer id (12D3KooW…) nor a range of addresses in CIDR form'],
    [
      '10.0.0.0/33',
      '"10.0.0.0/33" is no range of addresses: its prefix has 33 bits, and an address of its kind has 32',
    ],
    ['::ffff:10.0.0.0/129', 'its prefix has 129 bits, and an address of its kind has 128'],
    ['10.0.0.0/08', 'access.deny: "10.0.0.0/08" is neither'],
    [PEER.slice(0, -1), `access.deny: "${PEER.slice(0, -1)}" is neither`],
    ['', 'access.deny: "" is neither'],
    ['/ip4/192.0.2.1/tcp/1', '(write 192.0.2.1)'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${PEER}`, `(write ${PEER})`],
    [5, 'access.deny takes peer ids and ranges of addresses, as texts, not 5'],
    [null, 'access.deny takes peer ids and ranges of addresses, as texts, not null'],
  ])('%j is none', (entry, message) => {
    const read = (): unknown => readConfig({ access: { deny: ['10.0.0.0/8', entry] as string[] } })
    expect(read).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    expect(read).toThrow(message)
  })
})

describe('the option access', () => {
  it('closes the node where it has allow, also without entries', () => {
    const closed = [{}, { allow: [] }, { allow: PEER }].map((access) => readConfig({ access }).settings.access.closed)
    expect(closed).toEqual([false, true, true])
  })

  it.each([
    [{ alow: PEER }, 'access has no option "alow" (did you mean allow'],
    [{ authorize: true }, 'access.authorize must be a function, not true'],
    [{ networkKey: 'secret' }, 'access.networkKey must be the text'],
    [5, 'access must be an object, not 5'],
  ])('%j is wrong', (access, message) => {
    expect(() => readConfig({ access: access as never })).toThrow(message)
  })

  it('warns of peers that are to be kept and may not come in', () => {
    const keep = [PEER, OTHER]
    const lines = (access: object): string[] => oddities(readConfig({ keep, access }).settings, 'self')
    expect(lines({ deny: OTHER })).toEqual([`keep names ${OTHER}, which access.deny shuts out: it is not dialled`])
    expect(lines({ allow: PEER })).toEqual([
      `keep names ${OTHER}, which access.allow does not let in: it is not dialled`,
    ])
    // Where they are is known when they are there.
    expect(lines({ allow: '10.0.0.0/8' })).toEqual([])
  })
})
