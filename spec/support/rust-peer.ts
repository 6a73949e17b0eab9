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
