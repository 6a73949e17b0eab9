/**
 * Records what a Rust peer sends on version-1 request streams, byte for byte, into spec/fixtures/rust-v1.json. Unit specs
 * drive the core with these bytes, cut at every offset. To be run by hand, once `npm run test:interop` has built the peer:
 *
 *   npx tsx spec/interop/capture.ts
 *
 * spec/support/rust-v1.ts reads the file and says what its fields mean.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import { readConfig } from '../../src/config/config.js'
import { createLogger } from '../../src/edge/log.js'
import { peerIdOf, privateKeyOf } from '../../src/identity.js'
import { newSecret } from '../../src/secret.js'
import { createLibp2pPort } from '../../src/libp2p/index.js'
import type { NetworkPort, PortEffect, PortEvent } from '../../src/core/port.js'
import { launch } from '../../src/node/node.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { RustPeer } from '../support/rust-peer.js'
import { FIXTURE, type RecordedExchange, type RecordedBytes } from '../support/rust-v1.js'
import { PUBSUB } from '../support/pubsub.js'

const SIZES = [0, 1, 300, 70_000]

class Recording {
  readonly received: Uint8Array[] = []
  readonly sent: Uint8Array[] = []
  sentEnd = false
  ended = false
  closed: RecordedExchange['closed'] = null
}

/** Streams in the order of their opening. */
const recordings = new Map<number, Recording>()
let finished = (_recording: Recording): void => {}

function watchEvent(event: PortEvent): void {
  if (!('stream' in event)) return
  if (event.type === 'streamOpened' || event.type === 'streamInbound') recordings.set(event.stream, new Recording())
  const recording = recordings.get(event.stream)
  if (recording === undefined) return
  if (event.type === 'data') recording.received.push(...event.chunks.map((chunk) => chunk.slice()))
  if (event.type === 'streamEnded') recording.ended = true
  if (event.type !== 'streamClosed') return
  recording.closed = event.reason
  finished(recording)
}

function watchEffect(effect: PortEffect): void {
  if (!('stream' in effect)) return
  const recording = recordings.get(effect.stream)
  if (effect.type === 'write') {
    recording?.sent.push(...effect.chunks.map((chunk) => chunk.slice()))
    if (recording !== undefined) recording.sentEnd ||= effect.end
  } else if (effect.type === 'reset') {
    throw new Error(`stream ${effect.stream} was reset by us: ${effect.reason}`)
  }
}

/** Repeats every 251 bytes: not a power of two, so that a shift by a block shows. */
function payload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, place) => place % 251)
}

/** Short ones as they are, so that the file can be read; long ones packed. */
function pack(chunks: Uint8Array[]): RecordedBytes {
  const all = Buffer.concat(chunks)
  return all.length <= 400 ? { base64: all.toString('base64') } : { deflated: deflateRawSync(all).toString('base64') }
}

/** One exchange on a stream of its own, from its opening to its close. */
async function exchange(
  name: string,
  asker: RecordedExchange['asker'],
  outcome: RecordedExchange['outcome'],
  run: () => Promise<unknown>,
): Promise<RecordedExchange> {
  const over = new Promise<Recording>((resolve) => (finished = resolve))
  const result = await run().then(
    () => 'answered',
    () => 'rejected',
  )
  if (result !== outcome) throw new Error(`${name} was ${result}, not ${outcome}`)
  const { received, sent, sentEnd, ended, closed } = await over
  const chunks = received.map(({ length }) => length)
  return { name, asker, outcome, received: pack(received), chunks, ended, closed, sent: pack(sent), sentEnd }
}

async function capture(rust: RustPeer): Promise<RecordedExchange[]> {
  const secret = newSecret()
  const createPort = createLibp2pPort({
    privateKey: await privateKeyOf(secret),
    protocols: [REQUEST_RESPONSE_V1],
    pubsub: PUBSUB,
  })
  const node = await launch({
    peerId: await peerIdOf(secret),
    settings: readConfig({ listen: '/ip4/127.0.0.1/tcp/0' }).settings,
    scheduler: new LaneScheduler(),
    createPort(emit) {
      const port: NetworkPort = createPort((event) => {
        watchEvent(event)
        emit(event)
      })
      return {
        run(effect) {
          watchEffect(effect)
          port.run(effect)
        },
      }
    },
    log: createLogger(undefined),
  })
  try {
    const exchanges: RecordedExchange[] = []
    const us = node.addresses[0]!
    node.setEventHandler({
      handleInboundRequest(data) {
        if (data.length === 3) throw new Error('three bytes are rejected')
        return data
      },
    })
    await node.dial(rust.address)
    for (const size of SIZES) {
      const ask = () => node.request(rust.peerId, payload(size))
      exchanges.push(await exchange(`Rust answers us with ${size} bytes`, 'ours', 'answered', ask))
    }
    await rust.setHandler('reject')
    const refused = () => node.request(rust.peerId, payload(3))
    exchanges.push(await exchange('Rust rejects our request', 'ours', 'rejected', refused))
    for (const size of SIZES) {
      const ask = () => rust.request(us, payload(size))
      exchanges.push(await exchange(`Rust asks us with ${size} bytes`, 'rust', 'answered', ask))
    }
    const rejected = () => rust.request(us, payload(3))
    exchanges.push(await exchange('we reject a request of Rust', 'rust', 'rejected', rejected))
    return exchanges
  } finally {
    await node.stop()
  }
}

const rust = await RustPeer.start()
try {
  const exchanges = await capture(rust)
  const header = { peer: 'rust-libp2p 0.52.4', protocol: REQUEST_RESPONSE_V1, date: new Date().toISOString() }
  mkdirSync(new URL('.', FIXTURE), { recursive: true })
  writeFileSync(FIXTURE, `${JSON.stringify({ ...header, exchanges }, undefined, 2)}\n`)
  for (const { name, chunks, ended, closed } of exchanges) console.log(name, { chunks: chunks.join(), ended, closed })
} finally {
  await rust.kill()
}
