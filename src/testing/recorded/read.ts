/** A recording to look at: its batches, those about one peer, requests with their answers, broadcasts; and the same for a handler of today. */
import { isObservable, lastValueFrom, toArray } from 'rxjs'
import type { Effect } from '../../core/effects.js'
import type { Event } from '../../core/events.js'
import { checkOptions, type Names } from '../../edge/checks.js'
import { checkPeer } from '../../edge/targets.js'
import { checkHandler } from '../../edge/answers/handler.js'
import type { EventHandler } from '../../edge/answers/inbound.js'
import { isStream, type Values } from '../../edge/answers/producers.js'
import type { RecordingError, RecordingHeader } from '../../recording/format.js'
import { replay, type ReplayOptions } from '../replay.js'
import { Abouts } from './about.js'
import { Stories, type RecordedBroadcast, type RecordedRequest } from './stories.js'

/** One batch: what came in at one instant, and what the core asked for. */
export interface RecordedBatch {
  /** Its number, from 1. */
  index: number
  /** ms on the node's clock, whose start has no meaning. */
  at: number
  /** What came in. */
  events: Event[]
  /** What the core asked for. */
  effects: Effect[]
}

/** A request of the recording, and what a handler of today makes of it. */
export interface HandledRequest {
  /** The request, with what was answered then. */
  request: RecordedRequest
  /** What it answers; absent: it has thrown. */
  values?: Uint8Array[]
  /** What it has thrown. */
  error?: unknown
}

const NAMES: Names<Omit<ReplayOptions, 'onStep'>> = { partial: true, verify: true }

/** See `readRecording`. */
export class RecordedNode {
  constructor(
    readonly header: RecordingHeader,
    /** All of them, in order. */
    readonly batches: readonly RecordedBatch[],
    /** Requests of this node and of its peers, in the order in which they began. (Those that nobody was asked to handle are left out.) */
    readonly requests: readonly RecordedRequest[],
    /** Broadcasts that it has sent, and those that it has delivered. */
    readonly broadcasts: readonly RecordedBroadcast[],
    /** Why the recording has no end, if it has none; only with `partial`. */
    readonly fault?: RecordingError,
  ) {}

  /**
   * The batches with what they have about a peer, given by its peer id or a multiaddr that ends in one, and nothing else.
   * @throws `InvalidPeerId`, `InvalidAddress`
   */
  about(peer: string): RecordedBatch[] {
    const { target } = checkPeer(peer)
    const abouts = new Abouts()
    const isMeant = (record: Event | Effect): boolean => abouts.of(record).includes(target)
    return this.batches
      .map(({ events, effects, ...batch }) => ({
        ...batch,
        events: events.filter(isMeant),
        effects: effects.filter(isMeant),
      }))
      .filter(({ events, effects }) => events.length + effects.length > 0)
  }

  /**
   * Gives the requests and broadcasts of peers to a handler, one after the other, in their order, without their pauses, and waits for each answer. Resolves with
   * what it has answered, beside what was answered then. (In a redacted recording the payloads are zeros.)
   * @throws `InvalidConfig` as `setEventHandler`
   */
  async handle(handler: EventHandler): Promise<HandledRequest[]> {
    checkHandler(handler, () => undefined)
    const handled: HandledRequest[] = []
    const all = [...this.requests, ...this.broadcasts].filter(({ direction }) => direction === 'in')
    for (const one of all.sort((a, b) => a.at - b.at)) {
      if ('topic' in one) await handler.handleBroadcast?.(one.topic, one.data.slice(), { from: one.from })
      else if (handler.handleInboundRequest !== undefined) handled.push(await answer(handler, one))
    }
    return handled
  }
}

async function answer(handler: EventHandler, request: RecordedRequest): Promise<HandledRequest> {
  const { signal } = new AbortController()
  try {
    const context = { from: request.peer, signal, waited: 0 }
    const values = await handler.handleInboundRequest!(request.data.slice(), context)
    return { request, values: await valuesOf(values) }
  } catch (error) {
    return { request, error }
  }
}

async function valuesOf(reply: Values): Promise<Uint8Array[]> {
  if (isObservable(reply)) return lastValueFrom(reply.pipe(toArray()))
  if (!isStream(reply)) return [reply]
  const values: Uint8Array[] = []
  for await (const value of reply as AsyncIterable<Uint8Array>) values.push(value)
  return values
}

/**
 * Reads a recording, replays it, and gives what happened as data. All of it is in memory.
 *
 * ```ts
 * const recording = await readRecording('node.t2pr')
 * for (const { peer, code, at, endedAt } of recording.requests) if (code !== undefined) console.log(peer, code, endedAt! - at)
 * ```
 *
 * @param recording the path of a file, or its bytes
 * @throws as `replay`
 */
export async function readRecording(
  recording: string | Uint8Array,
  options: Omit<ReplayOptions, 'onStep'> = {},
): Promise<RecordedNode> {
  checkOptions(options, 'readRecording', NAMES)
  const batches: RecordedBatch[] = []
  const onStep: ReplayOptions['onStep'] = ({ index, batch, effects }) => {
    batches.push({ index, at: batch.at, events: batch.events, effects })
  }
  const { header, fault } = await replay(recording, { ...options, onStep })
  const stories = new Stories(header.peerId)
  for (const { at, events, effects } of batches) {
    for (const event of events) stories.event(at, event)
    for (const effect of effects) stories.effect(at, effect)
  }
  return new RecordedNode(header, batches, stories.requests, stories.broadcasts, fault)
}
