/** A core that is recorded into memory, without a node around it: a spec says what comes in, and compares what goes out. */
import type { Effect } from '../../src/core/effects.js'
import type { Batch, Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import { createState, type State } from '../../src/core/state.js'
import { step } from '../../src/core/step.js'
import { replay } from '../../src/testing/replay.js'
import { Recorder } from '../../src/recording/recorder.js'
import { TINYP2P_VERSION } from '../../src/recording/format.js'
import { SELF, settingsWith } from './core.js'
import { textOf } from './said.js'

/** Takes the chunks of a recording. */
export class Memory {
  readonly chunks: Uint8Array[] = []
  closed = 0

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk)
  }

  close(): void {
    this.closed++
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.chunks))
  }
}

/** What a recording's replay asks for. (It compares the states too, and throws where they differ.) */
export async function effectsOf(recording: Uint8Array): Promise<Effect[]> {
  const effects: Effect[] = []
  await replay(recording, { onStep: (one) => void effects.push(...one.effects) })
  return effects
}

export class RecordedCore {
  readonly memory = new Memory()
  readonly log: string[] = []
  readonly state: State
  readonly effects: Effect[] = []
  readonly recorder: Recorder
  batches = 0

  constructor({ redacted = false, settings = {} }: { redacted?: boolean; settings?: Partial<Settings> } = {}) {
    const all = settingsWith(settings)
    this.state = createState(SELF, all)
    const header = { peerId: SELF, settings: all, tinyp2p: TINYP2P_VERSION, redacted }
    this.recorder = new Recorder(this.memory, header, (level, said) => void this.log.push(`${level} ${textOf(said)}`))
    this.recorder.watch(this.state)
  }

  in(at: number, ...events: Event[]): Effect[] {
    const batch: Batch = { at, events }
    this.recorder.batch(batch)
    const effects = step(this.state, batch)
    this.batches++
    this.effects.push(...effects)
    return effects
  }

  /** Listening, and connected to `peer`. */
  begin(at = 0): this {
    this.in(at, { type: 'start' })
    this.in(at, { type: 'listening', addresses: ['/ip4/127.0.0.1/tcp/4000'] })
    const address = '/ip4/127.0.0.1/tcp/4001'
    this.in(at + 1, { type: 'connectionOpened', connection: 1, peer: 'bob', address, inbound: false })
    return this
  }

  /** Stops in good order; the recording then has its end. */
  stop(at: number): this {
    this.in(at, { type: 'shutdown', ask: 999_999 })
    this.in(at + 1, { type: 'stopped' })
    this.recorder.end()
    return this
  }
}

/** Events or effects without foreign errors, which a recording leaves out. */
export function withoutCauses(all: (Effect | Event)[]): unknown {
  return all.map((one) => mapped(one, (bytes) => bytes))
}

/** … and with bytes as texts: jest takes seconds to compare a megabyte of them. */
export function comparable(effects: Effect[]): unknown {
  return effects.map((effect) => mapped(effect, (bytes) => Buffer.from(bytes).toString('base64')))
}

/**
 * … and of bytes the lengths alone, but for the header of a frame of version 1 (a session's are in one piece with what they
 * carry); of a refusal's message too, which a peer may have written; of the ids of broadcasts which are equal: what a redacted
 * replay must agree in.
 */
export function withoutPayloads(effects: Effect[]): unknown[] {
  const ids: string[] = []
  const numberOf = (id: string): string => `id ${ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1}`
  return effects.map((effect) => {
    const blank = mapped(effect, (bytes) => `${bytes.length} bytes`, numberOf) as Effect
    if (effect.type === 'write' && effect.end) return { ...blank, header: [...(effect.chunks[0] ?? [])] }
    if (effect.type !== 'fail') return blank
    const { message } = effect.refusal
    return {
      ...blank,
      refusal: { ...effect.refusal, message: new TextEncoder().encode(message).length, cause: undefined },
    }
  })
}

function mapped(value: unknown, ofBytes: (bytes: Uint8Array) => unknown, ofId = (id: string): unknown => id): unknown {
  if (ArrayBuffer.isView(value)) return ofBytes(value as Uint8Array)
  if (Array.isArray(value)) return value.map((inner) => mapped(inner, ofBytes, ofId))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => key !== 'cause')
  const of = ([key, inner]: [string, unknown]): unknown =>
    key === 'id' && typeof inner === 'string' ? ofId(inner) : mapped(inner, ofBytes, ofId)
  return Object.fromEntries(entries.map((entry) => [entry[0], of(entry)]))
}
