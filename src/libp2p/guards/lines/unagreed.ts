/**
 * Streams that others have opened and whose protocol is not agreed upon: how many there may be, in shares by peer, and how many protocols
 * may be proposed on one.
 */
import type { Stream } from '@libp2p/interface'
import { createShares, giveBack, hold, mayHold } from '../../../core/limits/shares.js'
import { MUXER } from '../../defaults.js'
import { OTHERS, OWN, type Blame, type Refuse } from '../refusals.js'

export class Unagreed {
  private readonly all = new Map<Stream, string>()
  private readonly shares = createShares()

  constructor(
    private readonly refused: Refuse,
    /** Those that the config names have the reserve. Whom else the lane trusts is not known here. */
    private readonly isNamed: (peer: string) => boolean,
  ) {}

  /** One that is too many is reset. `false`: its peer has too many, however many others have. */
  add(peer: string, stream: Stream): boolean {
    const bounds = { total: MUXER.unagreed, each: MUXER.unagreedEach, trusted: this.isNamed(peer) }
    if (!mayHold(this.shares, peer, 1, bounds)) this.look()
    if (!mayHold(this.shares, peer, 1, bounds)) {
      const own = (this.shares.held.get(peer) ?? 0) >= bounds.each
      this.reset(peer, stream, own ? OWN : OTHERS)
      return !own
    }
    this.all.set(stream, peer)
    hold(this.shares, peer, 1)
    stream.addEventListener('close', () => this.delete(stream))
    this.countProposals(peer, stream)
    return true
  }

  /** Which of them are agreed upon, libp2p does not tell. */
  private look(): void {
    for (const stream of this.all.keys()) if (stream.protocol !== '') this.delete(stream)
  }

  private delete(stream: Stream): void {
    const peer = this.all.get(stream)
    if (peer === undefined) return
    this.all.delete(stream)
    giveBack(this.shares, peer, 1)
  }

  private reset(peer: string, stream: Stream, blame: Blame): void {
    this.refused(peer, 'streamUnagreed', blame)
    stream.abort(new Error('no protocol is agreed upon'))
  }

  /** Each proposal has an answer, so the answers are counted, until there is a protocol. */
  private countProposals(peer: string, stream: Stream): void {
    const send: Stream['send'] = stream.send.bind(stream)
    let answers = 0
    stream.send = (data) => {
      if (stream.protocol !== '') {
        stream.send = send
        this.delete(stream)
      } else if (answers++ > MUXER.proposals && stream.status === 'open') {
        this.reset(peer, stream, OWN)
      }
      return send(data)
    }
  }
}
