/** Frames that others sent become RPCs, if they say no more than an RPC may: https://github.com/libp2p/specs/blob/master/pubsub/gossipsub */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
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

/** @throws when it cannot be read. */
export function decodeRpc(frame: Uint8Array): RPC {
  checkFields(frame, FIELDS, gossipFields(frame.length))
  return RPC.decode(frame, { limits: GOSSIP_DECODE_LIMITS })
}
