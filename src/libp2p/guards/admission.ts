/** How often strangers may ask us for something. */
import type { Connection } from '@libp2p/interface'
import type { PerSecond } from '../../core/limits/rate.js'
import { rangeOf } from '../../core/peers/addresses.js'
import { OTHERS, OWN, type Blame } from './refusals.js'
import { SharedRate } from './shared-rate.js'

/** What each peer may ask in any case. */
const LEAST: PerSecond = 2

export class Admission {
  private readonly rate: SharedRate

  constructor(
    /** Of one peer. */
    rate: PerSecond,
    private readonly now = () => performance.now(),
    ofAll?: number,
  ) {
    this.rate = new SharedRate(rate, LEAST, ofAll)
  }

  /** `undefined`: it is admitted. */
  refuses(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): Blame | undefined {
    return this.refusesOf(connection.remotePeer.toString(), rangeOfConnection(connection))
  }

  refusesOf(peer: string, range: string): Blame | undefined {
    const now = this.now()
    const part = this.rate.of({ peer, range }, now)
    if (part.take(now) === 0) return undefined
    if (part.isOwn) return OWN
    // Whoever asks on and on because of others has asked all the same.
    part.takeOwn(now)
    return OTHERS
  }
}

export function rangeOfConnection({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): string {
  return rangeOf(remoteAddr.toString(), remotePeer.toString())
}
