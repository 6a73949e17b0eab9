/**
 * Drives the Rust peer (spec/interop/rust-peer; its README lists flags, commands and events). `npm run test:interop`
 * builds it.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LineProcess, type LineEvent } from './line-process.js'

const targetDir = process.env.CARGO_TARGET_DIR ?? join(homedir(), '.cache', 'tinyp2p', 'rust-peer-target')
const binary = join(targetDir, 'release', 'rust-peer')

export interface RequestManyResult {
  succeeded: number
  failed: number
  errors: Record<string, number>
}

/** How a request over a session ended: by LAST, END or FAIL, the last of them with what it says. */
export interface SessionEnd {
  end: 'last' | 'end' | 'fail'
  values: number
  /** The value, for those who asked for one. Base64. */
  data: string | null
  /** Why it sent CANCEL. */
  cancelled: 'command' | 'deadline' | 'too large' | null
  code?: string
  retryAfter?: number
  message?: string
}

export interface SessionAsk {
  one?: boolean
  /** ms. */
  timeout?: number
  /** What our side may send before `giveCredit`; without it credit is given back as values come. */
  credit?: number
  lossy?: { policy: 0 | 1 | 2; buffer: number }
  /** The largest value that it takes, bytes. */
  maxValue?: number
}

/** A request over a session, under way. */
export interface SessionCall {
  request: number
  peer: string
  ended: Promise<SessionEnd>
}

export class RustPeer extends LineProcess {
  peerId = ''
  /** With `/p2p`. */
  address = ''
  private lastCommand = 0

  /** Resolves when it listens, on loopback unless a flag says otherwise. */
  static async start(...flags: string[]): Promise<RustPeer> {
    const peer = new RustPeer('rust-peer', binary, flags)
    const { peerId, address } = await peer.waitFor('listening')
    peer.peerId = peerId as string
    peer.address = address as string
    return peer
  }

  /** Resolves with the fields of the answer; rejects with the error's text as the message. */
  async command(cmd: string, fields: object = {}): Promise<LineEvent> {
    const id = ++this.lastCommand
    this.send({ id, cmd, ...fields })
    const result = await this.waitFor('result', (event) => event.id === id)
    if (result.ok === true) return result
    throw new Error(String(result.error))
  }

  /** Asks a peer, given by its id or by a multiaddr that ends in one. */
  async request(peer: string, data: Uint8Array): Promise<Uint8Array> {
    const { data: answer } = await this.command('request', { peer, data: toBase64(data) })
    return fromBase64(answer)
  }

  /** `count` requests at once; each must come back as it was. */
  async requestMany(peer: string, count: number, size: number): Promise<RequestManyResult> {
    const { succeeded, failed, errors } = await this.command('requestMany', { peer, count, size })
    return { succeeded, failed, errors } as RequestManyResult
  }

  /** As the answerer of sessions; see its README. */
  async setAnswer(answer: string): Promise<void> {
    await this.command('setAnswer', { answer })
  }

  /** Asks a connected peer over a session, which is opened if need be. */
  sessionAsk(peer: string, data: Uint8Array, options: SessionAsk = {}): SessionCall {
    const request = this.lastCommand + 1
    const ended = this.command('sessionAsk', { peer, data: toBase64(data), ...options }) as Promise<unknown>
    // Whoever looks at it sees the failure; nobody has to.
    ended.catch(() => {})
    return { request, peer, ended: ended as Promise<SessionEnd> }
  }

  /** One value; rejects with the code of a FAIL as the message. */
  async sessionRequest(peer: string, data: Uint8Array, options: SessionAsk = {}): Promise<Uint8Array> {
    const { end, code, data: answer } = await this.sessionAsk(peer, data, { one: true, ...options }).ended
    if (end === 'fail') throw new Error(code)
    return fromBase64(answer ?? '')
  }

  async sessionAskMany(peer: string, count: number, size: number): Promise<RequestManyResult> {
    const { succeeded, failed, errors } = await this.command('sessionAskMany', { peer, count, size })
    return { succeeded, failed, errors } as RequestManyResult
  }

  async giveCredit({ peer, request }: SessionCall, amount: number): Promise<void> {
    await this.command('sessionCredit', { peer, request, amount })
  }

  async cancelSession({ peer, request }: SessionCall): Promise<void> {
    await this.command('sessionCancel', { peer, request })
  }

  /** Sends what the protocol forbids, over the session in which it asks the peer. */
  async sessionAttack(peer: string, what: string): Promise<void> {
    await this.command('sessionAttack', { peer, what })
  }

  /** The first values of a stream, once they have come. */
  async sessionValues({ request }: SessionCall, count: number): Promise<Uint8Array[]> {
    const is = (event: LineEvent) => event.event === 'sessionValue' && event.request === request
    if (count > 0) await this.waitFor('sessionValue', (event) => is(event) && event.index === count - 1)
    return this.events.filter(is).map(({ data }) => fromBase64(data))
  }

  /** So many of its sessions in this role have ended. Resolves with the last of them. */
  async sessionEnded(role: 'asker' | 'answerer', count = 1): Promise<LineEvent> {
    const ended = () => this.events.filter((event) => event.event === 'sessionEnded' && event.role === role)
    await this.waitFor('sessionEnded', () => ended().length >= count)
    return ended()[count - 1]!
  }

  /** How many sessions were opened in this role. */
  async sessionsOpened(role: 'asker' | 'answerer'): Promise<number> {
    return (await this.told('sessionOpened')).filter((event) => event.role === role).length
  }

  /** The events of this name so far. What it does on the network may be seen there before its lines are read here. */
  async told(name: string): Promise<LineEvent[]> {
    await this.command('connections')
    return this.events.filter(({ event }) => event === name)
  }

  /** Resolves with the message's id. */
  async broadcast(topic: string, data: Uint8Array): Promise<string> {
    return (await this.command('broadcast', { topic, data: toBase64(data) })).messageId as string
  }

  async dial(address: string): Promise<void> {
    await this.command('dial', { address })
  }

  async setHandler(handler: string): Promise<void> {
    await this.command('setHandler', { handler })
  }

  async knownPeers(): Promise<Record<string, string[]>> {
    return (await this.command('knownPeers')).peers as Record<string, string[]>
  }

  async connections(): Promise<string[]> {
    return (await this.command('connections')).peers as string[]
  }

  async mesh(topic: string): Promise<string[]> {
    return (await this.command('mesh', { topic })).peers as string[]
  }

  /** The message with these bytes, once it has come. */
  message(data: Uint8Array): Promise<LineEvent> {
    const expected = toBase64(data)
    return this.waitFor('message', (event) => event.data === expected)
  }

  /** It knows that this peer is in the topic. */
  async hearsSubscription(peer: { peerId: string }, topic: string): Promise<void> {
    await this.waitFor('subscribed', (event) => event.peer === peer.peerId && event.topic === topic)
  }
}

export function toBase64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64')
}

export function fromBase64(text: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(text as string, 'base64'))
}
