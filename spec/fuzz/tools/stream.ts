/** Streams and sockets whose other side is an input: it says that, and no more. What is sent to it goes nowhere. */
import type { Connection, PeerId } from '@libp2p/interface'
import { AbstractMultiaddrConnection, AbstractStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { quietLogger } from '../../../src/libp2p/logger.js'

const log = quietLogger()!.forComponent('fuzz')
const ADDRESS = multiaddr('/ip4/192.0.2.7/tcp/4001')

export class SaidStream extends AbstractStream {
  sent = 0

  constructor(direction: 'inbound' | 'outbound' = 'inbound', protocol = '') {
    super({ id: '2', log, direction, protocol })
  }

  /** The other side says this. */
  say(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) this.onData(chunk)
    return this
  }

  /** It ends its side in good order. */
  finish(): this {
    this.onRemoteCloseWrite()
    return this
  }

  /** It ends all of it. */
  vanish(): void {
    if (this.status === 'open') this.onRemoteReset()
  }

  sendData(data: { byteLength: number }): { sentBytes: number; canSendMore: boolean } {
    this.sent += data.byteLength
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  async sendCloseWrite(): Promise<void> {
    // Nobody is there.
  }

  async sendCloseRead(): Promise<void> {
    // Nobody is there.
  }

  sendReset(): void {
    // Nobody is there.
  }

  sendPause(): void {
    // It says no more anyway.
  }

  sendResume(): void {
    // It says no more anyway.
  }
}

/** For what is done in other threads meanwhile, ms. */
const MOMENT = 10

export class SaidSocket extends AbstractMultiaddrConnection {
  heard: (bytes: Uint8Array) => void = () => undefined

  constructor(direction: 'inbound' | 'outbound' = 'inbound') {
    super({ log, direction, remoteAddr: ADDRESS, inactivityTimeout: 0 })
  }

  say(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) this.onData(chunk)
    return this
  }

  finish(): void {
    this.onRemoteCloseWrite()
    this.onTransportClosed()
  }

  /** Says this, and ends when the answer is there, or when there is none for a moment. */
  converse(chunks: Uint8Array[], answered: Promise<unknown>): void {
    const moment = setTimeout(() => this.finish(), MOMENT)
    const over = (): void => clearTimeout(moment)
    answered.then(over, over)
    this.say(...chunks)
  }

  sendData(data: { byteLength: number; subarray(): Uint8Array }): { sentBytes: number; canSendMore: boolean } {
    this.heard(data.subarray())
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  async sendClose(): Promise<void> {
    // Nobody is there.
  }

  sendReset(): void {
    // Nobody is there.
  }

  sendPause(): void {
    // It says no more anyway.
  }

  sendResume(): void {
    // It says no more anyway.
  }
}

/** A connection of such a peer. */
export function connectionOf(remotePeer: PeerId, newStream: () => SaidStream = () => new SaidStream()): Connection {
  const connection = {
    remotePeer,
    remoteAddr: ADDRESS,
    log,
    status: 'open',
    direction: 'inbound',
    streams: [],
    muxer: { status: 'open' },
  }
  return Object.assign(connection, { newStream: () => Promise.resolve(newStream()) }) as unknown as Connection
}
