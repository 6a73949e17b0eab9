/**
 * The least that requests over one byte stream need, for node:net, node:tls and ws: `length varint, id of 4 bytes,
 * payload`, and all frames of one turn in one write. No errors, no limits, no cancelling: what is left is what JavaScript
 * and the socket cost.
 */
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Asker } from './contestant.js'

const ID_BYTES = 4
/** Payloads from this size on are written as they are, smaller ones are copied together. */
const OWN_CHUNK = 4_096
const MAX_HEAD = 5 + ID_BYTES

/** Gathers the frames of one turn and hands them out as few chunks. */
export class FrameWriter {
  private frames: { id: number; payload: Uint8Array }[] = []

  constructor(private readonly write: (chunks: Uint8Array[]) => void) {}

  push(id: number, payload: Uint8Array): void {
    if (this.frames.push({ id, payload }) === 1) queueMicrotask(() => this.flush())
  }

  private flush(): void {
    const { frames } = this
    this.frames = []
    let size = 0
    for (const { payload } of frames) size += MAX_HEAD + (payload.length < OWN_CHUNK ? payload.length : 0)
    const block = Buffer.allocUnsafe(size)
    const chunks: Uint8Array[] = []
    let start = 0
    let at = 0
    for (const { id, payload } of frames) {
      let length = ID_BYTES + payload.length
      for (; length >= 0x80; length >>>= 7) block[at++] = (length & 0x7f) | 0x80
      block[at++] = length
      at = block.writeUInt32LE(id, at)
      if (payload.length < OWN_CHUNK) {
        block.set(payload, at)
        at += payload.length
      } else {
        chunks.push(block.subarray(start, at), payload)
        start = at
      }
    }
    if (at > start) chunks.push(block.subarray(start, at))
    this.write(chunks)
  }
}

/** Finds the frames in chunks that are cut anywhere. One that was cut is copied once. */
export class FrameReader {
  private length = 0
  private shift = 0
  private body: Buffer | undefined
  private filled = 0

  constructor(private readonly take: (id: number, payload: Uint8Array) => void) {}

  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.body === undefined) {
        const byte = chunk[at++] ?? 0
        this.length += (byte & 0x7f) << this.shift
        this.shift += 7
        if (byte >= 0x80) continue
        const { length } = this
        this.length = 0
        this.shift = 0
        if (at + length <= chunk.length) {
          this.take(chunk.readUInt32LE(at), chunk.subarray(at + ID_BYTES, at + length))
          at += length
        } else {
          this.body = Buffer.allocUnsafe(length)
          this.filled = 0
        }
      } else {
        const { body } = this
        const size = chunk.copy(body, this.filled, at)
        this.filled += size
        at += size
        if (this.filled < body.length) return
        this.body = undefined
        this.take(body.readUInt32LE(0), body.subarray(ID_BYTES))
      }
    }
  }
}

/** Requests by their ids, over whatever sends chunks. What comes back is given to `reply`. */
export class FramedAsker implements Asker {
  private last = 0
  private readonly resolvers = new Map<number, (reply: Uint8Array) => void>()
  private readonly writer: FrameWriter

  constructor(write: (chunks: Uint8Array[]) => void) {
    this.writer = new FrameWriter(write)
  }

  ask(bytes: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.last = (this.last + 1) >>> 0
      this.resolvers.set(this.last, resolve)
      this.writer.push(this.last, bytes)
    })
  }

  readonly reply = (id: number, payload: Uint8Array): void => {
    const resolve = this.resolvers.get(id)
    this.resolvers.delete(id)
    resolve?.(payload)
  }
}

/** All chunks in one system call, where the socket can. */
function writeTo(socket: Duplex): (chunks: Uint8Array[]) => void {
  return (chunks) => {
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }
}

export function echoOver(socket: Duplex): void {
  const writer = new FrameWriter(writeTo(socket))
  const reader = new FrameReader((id, payload) => writer.push(id, payload))
  socket.on('data', (chunk: Buffer) => reader.read(chunk))
  // The client's process is ended and not closed.
  socket.on('error', () => socket.destroy())
}

export function askOver(socket: Duplex): Asker {
  const asker = new FramedAsker(writeTo(socket))
  const reader = new FrameReader(asker.reply)
  socket.on('data', (chunk: Buffer) => reader.read(chunk))
  return asker
}

/** Listens on a free port of loopback; the address is the port. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return String((server.address() as AddressInfo).port)
}
