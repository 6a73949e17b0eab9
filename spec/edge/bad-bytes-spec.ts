/** Arguments that are bytes, and are none: of another kind, or transferred to elsewhere, where they would be sent as no bytes at all. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { lastValueFrom, type Observable } from 'rxjs'
import { createNode, defineProtocol, unary, bytes as asBytes, type Codec, type P2pNode } from 'tinyp2p'
import { readNetworkKey } from '../../src/network-key.js'
import { parseSecret } from '../../src/secret.js'
import { readRecording, replay, simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { isP2pError } from '../../src/errors.js'

function transferred<T extends Uint8Array>(bytes: T): T {
  const { buffer } = bytes
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
  return bytes
}

/** Bytes over a buffer that has become too short for them. */
function shrunk(): Uint8Array {
  const buffer = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 8 }]) as ArrayBuffer & {
    resize(size: number): void
  }
  const bytes = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return bytes
}

const GONE: [string, () => Uint8Array][] = [
  ['bytes that were transferred', () => transferred(Uint8Array.of(1, 2, 3))],
  ['a Buffer that was transferred', () => transferred(Buffer.from(new ArrayBuffer(8)))],
  ['bytes whose buffer has shrunk', shrunk],
]
const NONE: [string, () => unknown][] = [
  ['a text', () => 'text'],
  ['null', () => null],
  ['a buffer', () => new ArrayBuffer(3)],
  ['a proxy of bytes', () => new Proxy(Uint8Array.of(1, 2, 3), {})],
  ['a promise', () => Promise.resolve(Uint8Array.of(1))],
]
const ALL = [...GONE, ...NONE]

let net: SimulatedNetwork
let asker: P2pNode
let answerer: P2pNode

beforeAll(async () => {
  net = simulate()
  answerer = await net.createNode({ topics: ['block'], logger: false })
  asker = await net.createNode({ topics: ['block'], bootNodes: answerer.addresses })
  await net.run(5_000)
})
afterAll(async () => {
  await net.until(Promise.all([asker.stop(), answerer.stop()]))
})

/** What a call fails with, or its value. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

const one = <T>(values$: Observable<T>): Promise<T> => lastValueFrom(values$)

const CALLS: [string, (data: never) => unknown][] = [
  ['request', (data) => asker.request(answerer.peerId, data)],
  ['request$', (data) => one(asker.request$(answerer.peerId, data))],
  ['requestAny', (data) => asker.requestAny([answerer.peerId], data)],
  ['requestAll', (data) => one(asker.requestAll([answerer.peerId], data))],
  ['broadcast', (data) => asker.broadcast('block', data)],
  ['readNetworkKey', (key) => readNetworkKey(key, 'the key')],
]

describe.each(ALL)('%s', (_what, make) => {
  it.each(CALLS)('cannot be the argument of %s', async (_call, call) => {
    expect(await outcome(() => call(make() as never))).toMatchObject({ name: 'P2pError', code: 'InvalidConfig' })
  })

  it('cannot be encoded by a codec, nor be what one makes', async () => {
    const careless: Codec<unknown> = { encode: (value) => value as Uint8Array, decode: (value) => value }
    for (const codec of [asBytes, careless]) {
      const protocol = defineProtocol({ methods: { get: unary(codec, codec) }, topics: { t: codec } }) // prettier-ignore
      const client = protocol.client(asker)
      // (A codec may return a promise, and here it is one of bytes.)
      if (_what === 'a promise' && codec === careless) continue
      for (const call of [() => client.peer(answerer.peerId).get(make()), () => client.broadcast('t', make())]) {
        expect(await outcome(call)).toMatchObject({ name: 'P2pError', code: 'InvalidConfig' })
      }
    }
  })
})

describe.each(GONE)('%s', (_what, make) => {
  it('are told to be so', async () => {
    await expect(asker.request(answerer.peerId, make())).rejects.toThrow('the request has no bytes any more')
    await expect(createNode({ secret: make() })).rejects.toThrow('its bytes were transferred')
    expect(() => parseSecret(make())).toThrow('its bytes were transferred')
    expect(() => readNetworkKey(make(), 'the key')).toThrow('its bytes were transferred')
  })

  it('are no recording', async () => {
    for (const read of [replay, readRecording]) {
      const error = await outcome(() => read(make()))
      expect(['InvalidConfig', 'NotARecording', 'CutShort']).toContain((error as { code?: string }).code)
    }
  })

  it('are no answer: the call of `respond` fails, and the asker of a handler that returns them is told', async () => {
    const thrown: unknown[] = []
    const serving = answerer.requests$.subscribe((request) => {
      try {
        request.respond(make())
      } catch (error) {
        thrown.push(error)
        request.reject('there is nothing')
      }
    })
    await expect(net.until(asker.request(answerer.peerId, Uint8Array.of(1)))).rejects.toThrow('there is nothing')
    serving.unsubscribe()
    expect(thrown.map((error) => isP2pError(error, 'InvalidConfig'))).toEqual([true])

    const late = answerer.requests$.subscribe((request) => request.respond(Promise.resolve(make())))
    await expect(net.until(asker.request(answerer.peerId, Uint8Array.of(1)))).rejects.toMatchObject({
      code: 'RequestRejected',
    })
    late.unsubscribe()
  })
})

it('no bytes are bytes', async () => {
  const serving = answerer.requests$.subscribe((request) => request.respond(request.data))
  for (const empty of [new Uint8Array(), Buffer.alloc(0), new Uint8Array(8).subarray(8)]) {
    expect(await net.until(asker.request(answerer.peerId, empty))).toEqual(new Uint8Array())
  }
  serving.unsubscribe()
})
