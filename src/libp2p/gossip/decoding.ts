/** Frames that others sent become RPCs, if they say no more than an RPC may, and without names that nobody here can know: https://github.com/libp2p/specs/blob/master/pubsub/gossipsub */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { MAX_ID, MAX_TOPIC } from '../../wire/gossip/message.js'
import { bytes, checkFields, many, number, one, type Fields } from '../../wire/protobuf.js'
import { GOSSIP_DECODE_LIMITS, gossipFields } from '../defaults.js'

const SUBSCRIPTION: Fields = { 1: number, 2: bytes }
const MESSAGE: Fields = { 1: bytes, 2: bytes, 3: bytes, 4: bytes, 5: bytes, 6: bytes }
const IHAVE: Fields = { 1: bytes, 2: many() }
const IDS: Fields = { 1: many() }
const GRAFT: Fields = { 1: bytes }
const PRUNE: Fields = { 1: bytes, 2: many({ 1: bytes, 2: bytes }), 3: number }
const CONTROL: Fields = { 1: many(IHAVE), 2: many(IDS), 3: many(GRAFT), 4: many(PRUNE), 5: many(IDS) }
const FIELDS: Fields = { 1: many(SUBSCRIPTION), 2: many(MESSAGE), 3: one(CONTROL) }

/**
 * `dropped` hears how many topics and ids were left out because they are too long: gossipsub would keep them, and counts but their number.
 * @throws when it cannot be read.
 */
export function decodeRpc(frame: Uint8Array, dropped: (count: number) => void = () => undefined): RPC {
  checkFields(frame, FIELDS, gossipFields(frame.length))
  const rpc = RPC.decode(frame, { limits: GOSSIP_DECODE_LIMITS })
  const count = dropLong(rpc)
  if (count > 0) dropped(count)
  return rpc
}

/** Of one that nobody else has. Returns how many. */
function dropLong(rpc: RPC): number {
  let count = 0
  const keep = <T>(all: T[], fits: (one: T) => boolean): T[] => {
    if (all.every(fits)) return all
    const kept = all.filter(fits)
    count += all.length - kept.length
    return kept
  }
  const isTopic = (topic = ''): boolean => topic.length <= MAX_TOPIC
  const ofTopic = ({ topicID }: { topicID?: string }): boolean => isTopic(topicID)
  rpc.subscriptions = keep(rpc.subscriptions, ({ topic }) => isTopic(topic))
  const { control } = rpc
  if (control === undefined) return count
  control.graft = keep(control.graft, ofTopic)
  control.prune = keep(control.prune, ofTopic)
  control.ihave = keep(control.ihave, ofTopic)
  for (const words of [control.ihave, control.iwant, control.idontwant])
    for (const word of words) word.messageIDs = keep(word.messageIDs, ({ length }) => length <= MAX_ID)
  return count
}
