/** Request streams as a Rust peer spoke them (spec/fixtures/rust-v1.json, written by spec/interop/capture.ts). */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inflateRawSync } from 'node:zlib'

export const FIXTURE = new URL('spec/fixtures/rust-v1.json', pathToFileURL(`${process.cwd()}/`))

/** `deflated`: raw deflate, then base64. */
export type RecordedBytes = { base64: string } | { deflated: string }

export interface RecordedExchange {
  name: string
  /** Who opened the stream. */
  asker: 'ours' | 'rust'
  /** What the asker got. */
  outcome: 'answered' | 'rejected'
  /** All bytes that Rust sent on the stream: its response when we asked, its request when it asked. */
  received: RecordedBytes
  /** The sizes of the chunks they came in, that time. */
  chunks: number[]
  /** Rust closed its write side after them. */
  ended: boolean
  /** How the stream was over in the end; `null`: it never was. */
  closed: 'closed' | 'reset' | 'lost' | null
  /** All bytes that we wrote, and whether we closed our write side after them. */
  sent: RecordedBytes
  sentEnd: boolean
}

export interface RustV1 {
  peer: string
  protocol: string
  date: string
  exchanges: (Omit<RecordedExchange, 'received' | 'sent'> & { received: Uint8Array; sent: Uint8Array })[]
}

export function readRustV1(): RustV1 {
  const file = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Omit<RustV1, 'exchanges'> & {
    exchanges: RecordedExchange[]
  }
  const exchanges = file.exchanges.map((one) => ({ ...one, received: unpack(one.received), sent: unpack(one.sent) }))
  return { ...file, exchanges }
}

function unpack(recorded: RecordedBytes): Uint8Array {
  if ('base64' in recorded) return new Uint8Array(Buffer.from(recorded.base64, 'base64'))
  return new Uint8Array(inflateRawSync(Buffer.from(recorded.deflated, 'base64')))
}
