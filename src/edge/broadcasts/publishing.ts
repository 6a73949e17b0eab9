/** Callers' broadcasts, checked and made into questions to the lane. */
import type { Observable } from 'rxjs'
import type { WantReceipts } from '../../core/terms.js'
import { P2pError } from '../../errors.js'
import { MAX_DELAY } from '../../platform/timers.js'
import type { Asks } from '../asks.js'
import {
  checkBytes,
  checkNumber,
  checkObject,
  checkOptions,
  checkSignal,
  checkTopic,
  show,
  type Names,
} from '../checks.js'
import { firstValueFrom } from '../first-value.js'
import { abortable } from '../signals.js'
import type { Receipt, Receipts } from './receipts.js'

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /**
   * Sends it only when at least `min` subscribers (1 to 10,000, default 1) can be reached. If that takes longer than `timeout` ms
   * (default: the config's `requestTimeout`), it fails with `PublishError`, and nothing is sent.
   */
  waitForPeers?: { min?: number | undefined; timeout?: number | undefined } | undefined
  /**
   * Asks the subscribers that this node is connected to for receipts: `true` for those of all, or `count` (1 to 10,000), both within
   * `timeout` ms (default: the config's `requestTimeout`). Peers that do not speak the session protocol (Rust) send none.
   */
  receipts?: boolean | { count?: number | undefined; timeout?: number | undefined } | undefined
  /** Aborting it withdraws a broadcast that has not been sent yet, which then fails with `Aborted`. */
  signal?: AbortSignal | undefined
}

/** What `broadcast` resolves with. */
export interface Published {
  /**
   * Ids of the peers to which it was sent without an error, which is no proof of delivery. Empty: no peer got it,
   * `explain(topic)` says why, and the same bytes may be sent again.
   */
  recipients: string[]
  /**
   * With `receipts`: one of each peer that has the broadcast. Completes after `count`, when all that were asked have answered, or when
   * the time is over. Never errors. It keeps what came before it is subscribed.
   */
  receipts$?: Observable<Receipt>
}

const NAMES: Names<BroadcastOptions> = { waitForPeers: true, receipts: true, signal: true }
const WAIT_NAMES: Names<NonNullable<BroadcastOptions['waitForPeers']>> = { min: true, timeout: true }
const RECEIPTS_NAMES: Names<WantReceipts> = { count: true, timeout: true }
/** A node has fewer peers than this. */
const MAX_PEERS = 10_000

/** @throws (rejects) for bad arguments before anything is sent, and as `node.broadcast` says. */
export async function publish(
  asks: Asks,
  receipts: Receipts,
  requestTimeout: number,
  topic: string,
  data: Uint8Array,
  options: BroadcastOptions = {},
): Promise<Published> {
  const name = checkTopic(topic)
  const bytes = checkBytes(data, 'the broadcast')
  checkOptions(options, 'broadcast', NAMES)
  const signal = checkSignal(options.signal)
  const waitForPeers = checkWait(options.waitForPeers, requestTimeout)
  const wanted = checkReceipts(options.receipts, requestTimeout)
  let receipts$: Observable<Receipt> | undefined
  let id = 0
  const answer$ = asks.ask((ask) => {
    id = ask
    if (wanted !== undefined) receipts$ = receipts.of(ask)
    return {
      type: 'broadcast',
      ask,
      topic: name,
      data: bytes,
      ...(waitForPeers === undefined ? {} : { waitForPeers }),
      ...(wanted === undefined ? {} : { receipts: wanted }),
    }
  })
  try {
    const { recipients } = (await firstValueFrom(abortable(answer$, signal))) as { recipients: string[] }
    return receipts$ === undefined ? { recipients } : { recipients, receipts$ }
  } catch (error) {
    receipts.onEnded(id)
    throw error
  }
}

function checkWait(wait: unknown, requestTimeout: number): { min: number; timeout: number } | undefined {
  if (wait === undefined) return undefined
  checkObject(wait, 'waitForPeers', WAIT_NAMES)
  const { min = 1, timeout = requestTimeout } = wait as { min?: unknown; timeout?: unknown }
  return {
    min: checkNumber(min, 'waitForPeers.min', 'peers', 1, MAX_PEERS),
    timeout: checkNumber(timeout, 'waitForPeers.timeout', 'ms', 1, MAX_DELAY),
  }
}

function checkReceipts(receipts: unknown, requestTimeout: number): WantReceipts | undefined {
  if (receipts === undefined || receipts === false) return undefined
  if (receipts === true) return { timeout: requestTimeout }
  if (typeof receipts !== 'object' || receipts === null) {
    throw new P2pError('InvalidConfig', `receipts must be true, or { count, timeout }, not ${show(receipts)}`)
  }
  checkObject(receipts, 'receipts', RECEIPTS_NAMES)
  const { count, timeout = requestTimeout } = receipts as { count?: unknown; timeout?: unknown }
  const wanted: WantReceipts = { timeout: checkNumber(timeout, 'receipts.timeout', 'ms', 1, MAX_DELAY) }
  if (count !== undefined) wanted.count = checkNumber(count, 'receipts.count', 'peers', 1, MAX_PEERS)
  return wanted
}
