/**
 * What counts against a peer: our numbers in gossipsub's terms, for topics that come and go while it runs, and for peers that
 * would leave a bad score behind by connecting again.
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { Scoring } from '../../core/pubsub.js'
import { SCORE_PARAMS, TOPIC_SCORE_PARAMS } from '../defaults.js'
import type { Internals } from './internals.js'

export function scoringOptions(scoring: Scoring): Pick<GossipsubOpts, 'scoreParams' | 'scoreThresholds'> {
  return {
    scoreParams: {
      ...SCORE_PARAMS,
      behaviourPenaltyWeight: scoring.behaviourWeight,
      behaviourPenaltyDecay: within(scoring.behaviourDecay),
      IPColocationFactorWeight: scoring.colocationWeight,
    },
    scoreThresholds: {
      gossipThreshold: scoring.gossipThreshold,
      publishThreshold: scoring.publishThreshold,
      graylistThreshold: scoring.graylistThreshold,
    },
  }
}

/** gossipsub takes neither 0 nor 1 for what is left after a second. */
function within(decay: number): number {
  return Math.min(Math.max(decay, 1e-6), 1 - 1e-6)
}

export class Scores {
  private readonly topicParams: object

  constructor(
    private readonly inside: Internals,
    scoring: Scoring,
  ) {
    this.topicParams = {
      ...TOPIC_SCORE_PARAMS,
      invalidMessageDeliveriesWeight: scoring.invalidMessageWeight,
      invalidMessageDeliveriesDecay: within(scoring.invalidMessageDecay),
    }
    keepScores(inside)
  }

  join(topic: string): void {
    this.inside.score.params.topics[topic] = this.topicParams
  }

  /** gossipsub would throw on what it has counted of a topic without parameters. */
  leave(topic: string): void {
    const { params, peerStats } = this.inside.score
    delete params.topics[topic]
    for (const { topics } of peerStats.values()) delete topics[topic]
  }

  of(peer: string): number {
    this.changed(peer)
    return this.inside.score.score(peer)
  }

  penalize(peer: string, count: number): void {
    this.inside.score.addPenalty(peer, count, 'tinyp2p')
    this.changed(peer)
  }

  /** gossipsub goes by what it computed up to a second ago, and reads 128 frames more of a peer that was good then. */
  changed(peer: string): void {
    this.inside.score.scoreCache.delete(peer)
    this.inside.acceptFromWhitelist.delete(peer)
  }
}

/** The stock `addPeer` begins anew with a peer whose bad score was kept on purpose when it went. */
function keepScores({ score }: Internals): void {
  const addPeer = score.addPeer.bind(score)
  score.addPeer = (peer) => {
    const known = score.peerStats.get(peer)
    if (known === undefined || Date.now() > known.expire) return addPeer(peer)
    known.connected = true
    known.expire = 0
  }
}
