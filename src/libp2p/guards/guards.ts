/** What bounds the stock services towards strangers: the rates of each, and who hears of refusals. */
import { limitsOf, type Limits } from '../../core/limits/limits.js'
import { Admission } from './admission.js'
import { Lines, type TurnedAway } from './lines/lines.js'
import { Refusals, type Refuse } from './refusals.js'

export interface Guards {
  limits: Limits
  /** Does the config name this peer? */
  isNamed: (peer: string) => boolean
  /** Questions of Kademlia. */
  kad: Admission
  /** Its streams, and pushes. */
  identify: Admission
  ping: Admission
  /** What comes over a connection. */
  lines: Lines
  refusals: Refusals
  refused: Refuse
}

/** `turnedAway` is told each address with which there is no handshake, and why. */
export function createGuards(
  limits: Limits = limitsOf(),
  isNamed: (peer: string) => boolean = () => false,
  turnedAway: TurnedAway = () => undefined,
): Guards {
  const refusals = new Refusals()
  const refused = refusals.count
  return {
    limits,
    isNamed,
    kad: new Admission(limits.kadRate),
    identify: new Admission(limits.identifyRate),
    ping: new Admission(limits.pingRate),
    lines: new Lines(limits, refused, turnedAway, isNamed),
    refusals,
    refused,
  }
}
