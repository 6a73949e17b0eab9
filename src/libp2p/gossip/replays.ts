/**
 * Which publishes of each signer were heard, long after gossipsub has forgotten their ids, so that nobody can have an old message
 * delivered again: a signer uses each sequence number once. Most count up, so what was heard of one is a few spans of numbers; of those
 * whose numbers are chance (older ones of Rust) it is the last ones. (A window of the last numbers, as of RFC 4303, would lose what comes
 * late, and whatever a second node of the same signer says.)
 */
import { GOSSIP_SIGNERS, GOSSIP_SPANS } from '../defaults.js'

/** All numbers from the first to the last one. */
interface Span {
  first: bigint
  last: bigint
  /** When one of them was heard last: a count of publishes. */
  at: number
}

export class Replays {
  /** Signer → spans, the lowest numbers first. Who has published last is the last one. */
  private readonly signers = new Map<string, Span[]>()
  private heard = 0

  has(signer: string, sequence: bigint): boolean {
    const spans = this.signers.get(signer)
    if (spans === undefined) return false
    const span = spans[below(spans, sequence)]
    return span !== undefined && sequence <= span.last
  }

  note(signer: string, sequence: bigint): void {
    const spans = this.signers.get(signer) ?? []
    this.signers.delete(signer)
    this.signers.set(signer, spans)
    const [oldest] = this.signers.keys()
    if (this.signers.size > GOSSIP_SIGNERS) this.signers.delete(oldest!)
    add(spans, sequence, ++this.heard)
    if (spans.length > GOSSIP_SPANS) spans.splice(oldestOf(spans), 1)
  }
}

/** The span of which nothing was heard for the longest time. */
function oldestOf(spans: readonly Span[]): number {
  return spans.reduce((oldest, { at }, index) => (at < spans[oldest]!.at ? index : oldest), 0)
}

/** The last span that begins at this number or below it; -1: none does. */
function below(spans: readonly Span[], sequence: bigint): number {
  let at = spans.length - 1
  while (at >= 0 && spans[at]!.first > sequence) at--
  return at
}

function add(spans: Span[], sequence: bigint, heard: number): void {
  const at = below(spans, sequence)
  const [span, next] = [spans[at], spans[at + 1]]
  if (span !== undefined && sequence <= span.last) return
  const follows = span?.last === sequence - 1n
  const leads = next?.first === sequence + 1n
  if (follows) {
    span.last = leads ? next.last : sequence
    span.at = heard
    if (leads) spans.splice(at + 1, 1)
  } else if (leads) {
    next.first = sequence
    next.at = heard
  } else spans.splice(at + 1, 0, { first: sequence, last: sequence, at: heard })
}
