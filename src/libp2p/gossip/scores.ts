/**
 * What counts against a peer: our numbers in gossipsub's terms, for topics that come and go while it runs, and for peers that
 * would leave a bad score behind by connecting again.
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { Scoring } from '../../core/pubsub.js'
import { SCORE_PARAMS, TOPIC_SCORE_PARAMS } from '../defaults.js'
import type { Internals, PeerScore } from './internals.js'

export function scoringOptions(scoring: Scoring): Pick<GossipsubOpts, 'scoreParams' | 'scoreThresholds'> {
  return {
    scoreParams: {
      ...SCORE_PARAMS,
      behaviourPenaltyWeight: scoring.behaviourWeight,
      behaviourPenaltyDecay: decayFactor(scoring.behaviourDecay),
      IPColocationFactorWeight: scoring.colocationWeight,
    },
    scoreThresholds: {
      gossipThreshold: scoring.gossipThreshold,
      publishThreshold: scoring.publishThreshold,
      graylistThreshold: scoring.graylistThreshold,
    },
  }
}

/** The share that is left after a second. gossipsub takes neither 0 nor 1. */
function decayFactor(decay: number): number {
  return Math.min(Math.max(decay, 1e-6), 1 - 1e-6)
}

export class Scores {
  private readonly score: PeerScore
  private readonly topicParams: object
  /** Peers whose score has got worse. */
  private readonly offenders = new Set<string>()

  constructor(
    { score }: Internals,
    private readonly scoring: Scoring,
  ) {
    this.score = score
    this.topicParams = {
      ...TOPIC_SCORE_PARAMS,
      invalidMessageDeliveriesWeight: scoring.invalidMessageWeight,
      invalidMessageDeliveriesDecay: decayFactor(scoring.invalidMessageDecay),
    }
    keepScores(score)
  }

  join(topic: string): void {
    this.score.params.topics[topic] = this.topicParams
  }

  /** gossipsub throws when it counts for a topic without parameters. */
  leave(topic: string): void {
    const { params, peerStats } = this.score
    delete params.topics[topic]
    for (const { topics } of peerStats.values()) delete topics[topic]
  }

  of(peer: string): number {
    this.score.scoreCache.delete(peer)
    return this.score.score(peer)
  }

  allowPublish(peer: string): boolean {
    return this.score.score(peer) >= this.scoring.publishThreshold
  }

  /**
   * False: nothing of this peer is read any more. gossipsub asks the same, but goes on to read 128 frames of a peer that was
   * good a second ago.
   */
  allowRead(peer: string): boolean {
    return !this.offenders.has(peer) || this.score.score(peer) >= this.scoring.graylistThreshold
  }

  /** The same of what a peer has left behind, whose score alone is kept. */
  allowReadLate(peer: string): boolean {
    return this.of(peer) >= this.scoring.graylistThreshold
  }

  penalize(peer: string, count: number): void {
    this.score.addPenalty(peer, count, 'tinyp2p')
    this.changed(peer)
  }

  /** gossipsub uses a score that it computed up to a heartbeat ago. */
  changed(peer: string): void {
    this.offenders.add(peer)
    this.score.scoreCache.delete(peer)
  }

  forget(peer: string): void {
    this.offenders.delete(peer)
  }
}

/** The stock `addPeer` begins anew with a peer whose bad score was kept on purpose when it went. */
function keepScores(score: PeerScore): void {
  const addPeer = score.addPeer.bind(score)
  inheritNothing(score.params.topics)
  score.addPeer = (peer) => {
    const known = score.peerStats.get(peer)
    if (known !== undefined) known.connected = true
    else {
      addPeer(peer)
      inheritNothing(score.peerStats.get(peer)!.topics)
    }
  }
}

/**
 * gossipsub counts by topic in objects, and a stranger names the topic. By `__proto__` it would write to what all objects of the process
 * inherit.
 */
function inheritNothing(byTopic: object): void {
  Object.setPrototypeOf(byTopic, null)
}
