/**
 * Streams of which libp2p reads messages that begin with their length: all until their protocol is agreed upon, and those of identify.
 *
 * Package: @libp2p/utils 7.4.1 (its `lpStream`, by which multistream-select and identify read)
 * Private members: `onData` and `readBuffer` of a stream; the public `protocol` is watched
 * Changes: what comes behind a length that no such message has is kept unread. When the protocol is agreed upon by what came before, as it is
 *   with peers that say more ahead, that is read after all. A stream of identify is reset.
 * Without it: a length is read a byte at a time, in one turn of the event loop for as long as there are bytes, and is compared with the limit
 *   at its end. A quarter of a megabyte of bytes that go on keeps the process for two seconds, on each stream.
 * Missing option: a bound on the bytes of a length before it has ended.
 * Guarded by: spec/integration/libp2p/yamux-streams-spec.ts
 */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { Lengths } from '../../wire/lengths.js'
import { IDENTIFY_PROTOCOL, IDENTIFY_PUSH_PROTOCOL } from '../../wire/protocols.js'
import { IDENTIFY, MUXER } from '../defaults.js'
import { Holding } from '../guards/lines/holding.js'
import { hasMembers } from './supported.js'

type Data = Uint8Array | Uint8ArrayList

interface FedStream extends Stream {
  readonly readBuffer: Uint8ArrayList
  onData: (data: Data) => void
}

const MEMBERS = { onData: 'writable function', readBuffer: 'object', protocol: 'writable string' } as const
const PREFIXED = [IDENTIFY_PROTOCOL, IDENTIFY_PUSH_PROTOCOL]

export function boundLengths(created: Stream): void {
  if (!hasMembers('@libp2p/utils', created, MEMBERS)) return
  const stream = created as FedStream
  const onData = stream.onData.bind(stream)
  const lengths = new Lengths(MUXER.word)
  stream.onData = (data) => {
    if (isAgreed(stream, lengths)) {
      stream.onData = onData
      return onData(data)
    }
    const at = badLength(lengths, data)
    if (at < 0) return onData(data)
    if (stream.protocol !== '') return stream.abort(new Error('a length is too large'))
    if (at > 0) onData(data.subarray(0, at))
    keepUntilAgreed(stream, lengths, onData, data.subarray(at))
  }
}

/** Is it read by others from now on? */
function isAgreed({ protocol }: Stream, lengths: Lengths): boolean {
  if (PREFIXED.includes(protocol)) lengths.most = IDENTIFY.maxMessageSize!
  else if (protocol !== '') return true
  return false
}

/** Where it begins; -1: there is none. */
function badLength(lengths: Lengths, data: Data): number {
  let before = 0
  for (const chunk of data instanceof Uint8Array ? [data] : data) {
    const at = lengths.read(chunk)
    if (at >= 0) return before + at
    before += chunk.length
  }
  return -1
}

function keepUntilAgreed(stream: FedStream, lengths: Lengths, onData: FedStream['onData'], first: Data): void {
  const holding = new Holding(stream)
  const { onData: read } = stream
  let kept = 0
  // A stream that is paused appends what comes to what waits.
  holding.hold([], () => undefined)
  stream.onData = (data) => {
    kept += data.byteLength
    onData(data)
  }
  stream.onData(first)
  let protocol = ''
  Object.defineProperty(stream, 'protocol', {
    configurable: true,
    enumerable: true,
    get: () => protocol,
    set: (agreed: string) => {
      Object.defineProperty(stream, 'protocol', { value: agreed, configurable: true, enumerable: true, writable: true })
      protocol = agreed
      stream.onData = read
      const { readBuffer } = stream
      const rest = readBuffer.sublist(readBuffer.byteLength - kept)
      if (isAgreed(stream, lengths) || badLength(lengths, rest) < 0) holding.release()
      else stream.abort(new Error('a length is too large'))
    },
  })
}
