/**
 * Streams that others have opened and whose protocol is not agreed upon: how many there may be, in shares by peer and by range of addresses,
 * and how many protocols may be proposed on one. Whoever finds no room takes it from whoever holds most, and more than it: or those who come
 * one after the other, and take what is free, would leave nothing to the next one.
 */
import type { Stream } from '@libp2p/interface'
import { createShares, fits, giveBack, hold, largestHolder, mayHold, type Shares } from '../../../core/limits/shares.js'
import { MUXER } from '../../defaults.js'
import { OTHERS, OWN, type Blame, type Refuse } from '../refusals.js'
import type { Owner } from '../shared-rate.js'

/** One that is agreed upon at all is so within this time, ms, mostly: whoever holds most of those that are older is to blame. */
const YOUNG = 1_000

interface Pending extends Owner {
  since: number
}

export class Unagreed {
  /** The oldest is the first. */
  private readonly all = new Map<Stream, Pending>()
  private readonly shares = createShares()
  /** Of peers that the config does not name, by range of addresses, and of each by peer. */
  private readonly ranges = createShares()
  private readonly inRange = new Map<string, Shares>()

  constructor(
    private readonly refused: Refuse,
    /** Those that the config names have the reserve. Whom else the lane trusts is not known here. */
    private readonly isNamed: (peer: string) => boolean,
    private readonly now = () => performance.now(),
  ) {}

  /** One that is too many is reset. `false`: its peer has too many, however many others have. */
  add(owner: Owner, stream: Stream): boolean {
    const { peer } = owner
    if (!this.hasRoom(owner)) this.look()
    if (!this.hasRoom(owner) && !this.makeRoom(owner)) {
      const own = this.held(peer) >= MUXER.unagreedEach
      this.reset(peer, stream, own ? OWN : OTHERS)
      return !own
    }
    this.all.set(stream, { ...owner, since: this.now() })
    hold(this.shares, peer, 1)
    if (!this.isNamed(peer)) this.holdInRange(owner)
    stream.addEventListener('close', () => this.delete(stream))
    this.countProposals(peer, stream)
    return true
  }

  private held(peer: string): number {
    return this.shares.held.get(peer) ?? 0
  }

  private hasRoom({ peer, range }: Owner): boolean {
    const total = MUXER.unagreed
    const trusted = this.isNamed(peer)
    if (!mayHold(this.shares, peer, 1, { total, each: MUXER.unagreedEach, trusted })) return false
    return trusted || fits(this.ranges.held.get(range) ?? 0, 1, this.shares.used, { total, each: total })
  }

  /** The range that has most loses its oldest one of the peer that has most there, if those have more than who needs the room. */
  private makeRoom({ peer, range }: Owner): boolean {
    if (this.held(peer) >= MUXER.unagreedEach) return false
    const crowd = largestHolder(this.ranges)
    if (crowd === undefined) return false
    const isTheirs = this.ranges.held.get(crowd)! > (this.ranges.held.get(range) ?? 0)
    const from = isTheirs ? crowd : range
    const largest = largestHolder(this.inRange.get(from)!)!
    if (!isTheirs && this.held(largest) <= this.held(peer)) return false
    const [stream, { since }] = [...this.all].find(([, one]) => one.peer === largest && one.range === from)!
    this.delete(stream)
    this.reset(largest, stream, this.now() - since < YOUNG ? OTHERS : OWN)
    return true
  }

  /** Which of them are agreed upon, libp2p does not tell. */
  private look(): void {
    for (const stream of this.all.keys()) if (stream.protocol !== '') this.delete(stream)
  }

  private delete(stream: Stream): void {
    const owner = this.all.get(stream)
    if (owner === undefined) return
    this.all.delete(stream)
    giveBack(this.shares, owner.peer, 1)
    if (!this.isNamed(owner.peer)) this.giveBackInRange(owner)
  }

  private holdInRange({ peer, range }: Owner): void {
    const its = this.inRange.get(range) ?? createShares()
    this.inRange.set(range, its)
    hold(its, peer, 1)
    hold(this.ranges, range, 1)
  }

  private giveBackInRange({ peer, range }: Owner): void {
    const its = this.inRange.get(range)!
    giveBack(its, peer, 1)
    giveBack(this.ranges, range, 1)
    if (its.used === 0) this.inRange.delete(range)
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
