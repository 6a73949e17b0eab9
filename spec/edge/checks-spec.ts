import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { nearest } from '../../src/core/nearest.js'
import {
  checkBytes,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkTopic,
  inOption,
  isThenable,
  messageOf,
  show,
} from '../../src/edge/checks.js'
import { checkAbout, checkAddress, checkPeer, checkPeerId, checkTarget, checkTcpAddress } from '../../src/edge/targets.js' // prettier-ignore

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const ADDRESS = `/ip4/192.0.2.1/tcp/9000/p2p/${PEER}`

/** The code and the message of what a check throws. */
function thrown(check: () => unknown): string {
  try {
    check()
    return 'nothing'
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string }
    return name === 'P2pError' ? `${code}: ${message}` : `${name}: ${message}`
  }
}

describe('bytes', () => {
  it('are any Uint8Array, and leave as a plain one over the same memory', () => {
    const plain = Uint8Array.of(1, 2, 3)
    expect(checkBytes(plain, 'it')).toBe(plain)
    const buffer = Buffer.from('abcdef').subarray(1, 4)
    const checked = checkBytes(buffer, 'it')
    expect(checked).toEqual(Uint8Array.of(98, 99, 100))
    expect(Buffer.isBuffer(checked)).toBe(false)
    expect(checked.buffer).toBe(buffer.buffer)
    class Mine extends Uint8Array {}
    expect(checkBytes(Mine.of(5), 'it').constructor).toBe(Uint8Array)
  })

  it('may come from another realm', () => {
    const foreign = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array
    expect([...checkBytes(foreign, 'it')]).toEqual([1, 2, 3])
  })

  it.each<[string, unknown]>([
    ['"text"', 'text'],
    ['undefined', undefined],
    ['null', null],
    ['5', 5],
    ['an array of 3', [1, 2, 3]],
    ['an object', { length: 3 }],
    ['', new Uint16Array(3)],
    ['', new DataView(new ArrayBuffer(3))],
    ['', new ArrayBuffer(3)],
    ['', new Uint8ClampedArray(3)],
    ['', { [Symbol.toStringTag]: 'Uint8Array' }],
  ])('are not %s', (shown, value) => {
    const message = thrown(() => checkBytes(value, 'the request'))
    expect(message).toContain('InvalidConfig: the request must be a Uint8Array')
    expect(message).toContain(shown)
  })
})

describe('peers', () => {
  it('are given by their id, by a multiaddr that ends in it, or by /p2p/<id>', () => {
    expect(checkPeer(PEER)).toEqual({ target: PEER, addresses: [] })
    expect(checkPeer(ADDRESS)).toEqual({ target: PEER, addresses: [ADDRESS] })
    expect(checkPeer(`/p2p/${PEER}`)).toEqual({ target: PEER, addresses: [] })
  })

  it('may be dialled at an address that does not say who is there, but not asked', () => {
    const bare = '/ip4/192.0.2.1/tcp/9000'
    expect(checkTarget(bare)).toEqual({ target: bare, addresses: [bare] })
    expect(thrown(() => checkPeer(bare))).toMatch(/^InvalidAddress: .*must end in \/p2p/)
  })

  it('have one canonical text', () => {
    expect(checkPeerId(PEER)).toBe(PEER)
    expect(checkAddress('/ip6/2001:DB8:0:0::1/tcp/1')).toBe('/ip6/2001:db8::1/tcp/1')
  })

  it.each<[unknown, string]>([
    ['', 'InvalidPeerId'],
    [' ', 'InvalidPeerId'],
    ['peer', 'InvalidPeerId'],
    [`${PEER} `, 'InvalidPeerId'],
    [PEER.slice(0, -1), 'InvalidPeerId'],
    [`${PEER}x`, 'InvalidPeerId'],
    [undefined, 'InvalidPeerId'],
    [null, 'InvalidPeerId'],
    [5, 'InvalidPeerId'],
    [[PEER], 'InvalidPeerId'],
    ['/', 'InvalidAddress'],
    ['/p2p/nobody', 'InvalidPeerId'],
    ['/ip4/192.0.2.1/tcp/9000/p2p/nobody', 'InvalidPeerId'],
    ['/ip4/192.0.2.1/tcp/x', 'InvalidAddress'],
    ['/ip4/192.0.2.1', 'InvalidAddress'],
    [`/ip4/192.0.2.1/udp/9000/p2p/${PEER}`, 'InvalidAddress'],
    [`/ip4/192.0.2.1/tcp/9000/ws/p2p/${PEER}`, 'InvalidAddress'],
    [`${ADDRESS}/p2p-circuit/p2p/${PEER}`, 'InvalidAddress'],
    [`/unix/tmp/x/p2p/${PEER}`, 'InvalidAddress'],
  ])('are not named by %j', (value, code) => {
    expect(thrown(() => checkTarget(value))).toMatch(new RegExp(`^${code}: `))
  })

  it.each([
    ['localhost:4001', `/dns/localhost/tcp/4001/p2p/<peer id>`],
    [`ip4/192.0.2.1/tcp/9000/p2p/${PEER}`, ADDRESS],
    ['/ip4/192.0.2.1/tcp/x', undefined],
    // What would be refused next, or names no host.
    ['localhost:0', undefined],
    ['localhost:99999', undefined],
    ['300.1.1.1:80', undefined],
    ['[1:2]:80', undefined],
    [':4001', undefined],
    ['0.0.0.0:4001', undefined],
    ['ip4/192.0.2.1/tcp/9000/ws', undefined],
    ['ip4/192.0.2.1/tcp/9000/p2p/nobody', undefined],
  ])('are not named by %s, and the advice is one that is taken: %s', (text, advice) => {
    const hint = advice === undefined ? '(such as /ip4/192.0.2.1/tcp/9000/p2p/<peer id>)' : `: write ${advice}`
    expect(thrown(() => checkTarget(text))).toBe(
      `InvalidAddress: "${text}" is not a multiaddr${advice === undefined ? ' ' : ''}${hint}`,
    )
    if (advice !== undefined) checkPeer(advice.replace('<peer id>', PEER))
  })

  it('of any length of nonsense are shown shortly', () => {
    expect(thrown(() => checkTarget('x'.repeat(100_000))).length).toBeLessThan(300)
    expect(thrown(() => checkTarget(`/${'x'.repeat(100_000)}`)).length).toBeLessThan(300)
  })
})

describe('a text that is too long', () => {
  it.each([
    ['a peer', () => checkPeerId('1'.repeat(1_000_000))],
    ['an address', () => checkAddress(`/ip4/192.0.2.1/tcp/1/p2p/${'1'.repeat(1_000_000)}`)],
  ])('is no %s, before base58 takes the square of it', (_, check) => {
    expect(thrown(check)).toMatch(/^Invalid(PeerId|Address): "/)
  })
})

describe('TCP addresses', () => {
  it.each([
    '/ip4/0.0.0.0/tcp/0',
    '/ip6/::/tcp/0',
    '/ip6/::1/tcp/65535',
    '/dns/example.org/tcp/443',
    '/dns4/example.org/tcp/443',
    '/dns6/example.org/tcp/443',
    ADDRESS,
  ])('include %s', (address) => {
    expect(checkTcpAddress(address)).toBe(address)
  })

  it.each(['/ip4/1.2.3.4/udp/1', '/ip4/1.2.3.4/tcp/1/tls', '/ip4/1.2.3.4/tcp/1/http', '/memory/1', '/tcp/1'])(
    'do not include %s',
    (address) => {
      expect(thrown(() => checkTcpAddress(address))).toMatch(/^InvalidAddress: /)
    },
  )
})

describe('topics, numbers, signals', () => {
  it('name a topic by 1 to 256 characters', () => {
    for (const topic of ['x', 'ä/b c', 'x'.repeat(256)]) expect(checkTopic(topic)).toBe(topic)
    for (const topic of ['', 'x'.repeat(257), 5, null, undefined, ['x']]) {
      expect(thrown(() => checkTopic(topic))).toMatch(/^InvalidConfig: a topic is a text/)
    }
  })

  it('take texts of whole characters, because half of one would come back as another', () => {
    expect(checkTopic('cats 😀')).toBe('cats 😀')
    for (const half of ['\ud83d', 'cats \ud83d!', '\ude00\ud83d', '😀\ude00']) {
      expect(thrown(() => checkTopic(half))).toMatch(/^InvalidConfig: a topic must be of whole characters, and "/)
      expect(thrown(() => checkTcpAddress(`/dns4/${half.trim()}/tcp/1`))).toMatch(/^InvalidAddress: /)
    }
  })

  it('take whole numbers from the least to the most', () => {
    for (const value of [1, 2, 10]) expect(checkNumber(value, 'timeout', 'ms', 1, 10)).toBe(value)
    for (const value of [0, 11, 1.5, NaN, Infinity, '2', 2n, null, undefined]) {
      expect(thrown(() => checkNumber(value, 'timeout', 'ms', 1, 10))).toMatch(
        /^InvalidConfig: timeout must be a whole number of ms from 1 to 10, not /,
      )
    }
  })

  it('take one of a few words', () => {
    expect(checkOneOf('b', ['a', 'b'], 'it')).toBe('b')
    for (const value of ['c', '', undefined, 7, ['a']]) {
      expect(thrown(() => checkOneOf(value, ['a', 'b'], 'it'))).toMatch(
        /^InvalidConfig: it must be one of 'a', 'b', not /,
      )
    }
  })

  it('take any object for options', () => {
    expect(() => checkOptions({}, 'ask', {})).not.toThrow()
    expect(() => checkObject({ any: 1 }, 'it')).not.toThrow()
    for (const value of [null, undefined, 7, 'text', []]) {
      expect(thrown(() => checkOptions(value, 'ask', {}))).toMatch(
        /^InvalidConfig: the options of ask must be an object, not /,
      )
      expect(thrown(() => checkObject(value, 'it'))).toMatch(/^InvalidConfig: it must be an object, not /)
    }
  })

  it('take no option that they do not know, and name the one that is meant', () => {
    const names = { timeout: true, signal: true } as const
    expect(() => checkOptions({ timeout: undefined, signal: 1 }, 'ask', names)).not.toThrow()
    expect(thrown(() => checkOptions({ timout: 5 }, 'ask', names))).toBe(
      'InvalidConfig: ask has no option "timout" (did you mean timeout?); there are timeout, signal',
    )
    expect(thrown(() => checkOptions({ retries: 5 }, 'ask', names))).toBe(
      'InvalidConfig: ask has no option "retries"; there are timeout, signal',
    )
    expect(thrown(() => checkObject({ constructor: 5 }, 'it', names))).toMatch(/it has no option "constructor"/)
    expect(thrown(() => checkOptions({ any: 5 }, 'dial', {}))).toMatch(/there are none$/)
  })

  it('know the nearest name: of another case, a letter too few or too many, two letters changed about', () => {
    const names = ['timeout', 'receipts', 'bootNodes', 'listen']
    const meant = { TIMEOUT: 'timeout', timout: 'timeout', timeouts: 'timeout', recepits: 'receipts', bootnode: 'bootNodes' } // prettier-ignore
    for (const [word, name] of Object.entries(meant)) expect(nearest(word, names)).toBe(name)
    for (const word of ['', 'port', 'x'.repeat(1_000_000)]) expect(nearest(word, names)).toBeUndefined()
    expect(nearest('timing', names, 2)).toBeUndefined()
  })

  it('name the option that is wrong', () => {
    expect(inOption('peers', () => 5)).toBe(5)
    expect(thrown(() => inOption('peers', () => checkPeerId('foo')))).toMatch(/^InvalidPeerId: peers: "foo" is not/)
  })

  it('take an AbortSignal of any realm, or none', () => {
    const { signal } = new AbortController()
    expect(checkSignal(signal)).toBe(signal)
    expect(checkSignal(undefined)).toBeUndefined()
    for (const value of [null, {}, true, 'abort', new AbortController()]) {
      expect(thrown(() => checkSignal(value))).toMatch(/^InvalidConfig: signal must be an AbortSignal/)
    }
  })

  it('know a promise of any make', () => {
    expect(isThenable(Promise.resolve())).toBe(true)
    expect(isThenable({ then: () => undefined })).toBe(true)
    for (const value of [undefined, null, 5, 'then', { then: true }, new Uint8Array()]) expect(isThenable(value)).toBe(false)
  }) // prettier-ignore
})

describe('what a message shows of a value', () => {
  it.each<[unknown, string]>([
    ['text', '"text"'],
    ['two\nlines', '"two\\nlines"'],
    ['x'.repeat(100), `"${'x'.repeat(77)}…"`],
    [Uint8Array.of(1, 2), '2 bytes'],
    [[1, 2, 3], 'an array of 3'],
    [{ a: 1, b: 2 }, 'an object (a, b)'],
    [{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }, 'an object (a, b, c, d, e)'],
    [() => undefined, 'a function'],
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [5n, 'the bigint 5n'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%p is %s', (value, text) => {
    expect(show(value)).toBe(text)
  })
})

describe('what is to be explained', () => {
  it.each<[string, unknown, unknown]>([
    ['a text that is a topic', 'block', { topic: 'block' }],
    ['a topic that begins as some peer ids do', 'Qmail', { topic: 'Qmail' }],
    ['a text that is a peer id', PEER, { peer: PEER }],
    ['a whole address of a peer', `/ip4/127.0.0.1/tcp/1/p2p/${PEER}`, { peer: PEER }],
    ['a topic by its name', { topic: 'block' }, { topic: 'block' }],
    ['a topic that looks like a peer id', { topic: PEER }, { topic: PEER }],
    ['a peer by its name', { peer: PEER }, { peer: PEER }],
  ])('is %s', (_what, about, checked) => {
    expect(checkAbout(about)).toEqual(checked)
  })

  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'InvalidConfig', 'explain takes a topic, a peer, { topic } or { peer }, not undefined'],
    ['null', null, 'InvalidConfig', 'not null'],
    ['a number', 7, 'InvalidConfig', 'not 7'],
    ['an empty text', '', 'InvalidConfig', 'not ""'],
    ['neither', {}, 'InvalidConfig', 'not an object ()'],
    ['both', { topic: 'block', peer: PEER }, 'InvalidConfig', 'not an object (topic, peer)'],
    ['a peer that is none', { peer: 'bob' }, 'InvalidPeerId', '"bob"'],
    ['a peer id with a letter too few', PEER.slice(0, -1), 'InvalidPeerId', PEER.slice(0, -1)],
    ['a peer id with a letter that none has', `${PEER.slice(0, -1)}0`, 'InvalidPeerId', PEER.slice(0, -1)],
    ['a peer id behind a space', ` ${PEER}`, 'InvalidPeerId', PEER],
    ['an old peer id with a letter too many', `Qm${'a'.repeat(45)}`, 'InvalidPeerId', 'Qmaaa'],
    ['a topic that is none', { topic: 5 }, 'InvalidConfig', 'not 5'],
  ])('is not %s', (_what, about, code, message) => {
    const refusal = thrown(() => checkAbout(about))
    expect(refusal).toMatch(new RegExp(`^${code}: `))
    expect(refusal).toContain(message)
  })
})

describe('the message of an error', () => {
  it('is its message, also of one from another realm, or its text', () => {
    expect(messageOf(new TypeError('mine'))).toBe('mine')
    expect(messageOf(runInNewContext('new Error("theirs")'))).toBe('theirs')
    expect(messageOf({ message: 7 })).toBe('[object Object]')
    expect(messageOf(undefined)).toBe('undefined')
  })
})
