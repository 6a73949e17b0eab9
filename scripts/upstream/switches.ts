/**
 * How each patch is switched off, and the test that fails then: what `Guarded by` of a header claims, in a form that can be
 * tried (`npm run upstream -- --guards`).
 */
import { drop, replace, type Change } from '../../spec/support/planting.js'

export interface Switch {
  /** The file whose header names the spec. */
  patch: string
  /** Where it is switched off. */
  file: string
  change: Change
  spec: string
  /** A part of the test's title. */
  test: string
}

const SPECS = {
  duplicates: 'spec/integration/libp2p/duplicate-connections-spec.ts',
  buckets: 'spec/libp2p/patches/kad-buckets-spec.ts',
  cache: 'spec/libp2p/gossip/message-cache-spec.ts',
  connections: 'spec/integration/libp2p/connections-spec.ts',
  dialling: 'spec/integration/dialling-spec.ts',
  names: 'spec/integration/libp2p/host-names-spec.ts',
  hostile: 'spec/integration/libp2p/pubsub-hostile-spec.ts',
  identify: 'spec/integration/libp2p/identify-spec.ts',
  kad: 'spec/integration/libp2p/kad-hostile-spec.ts',
  lifecycle: 'spec/integration/lifecycle-spec.ts',
  idle: 'spec/integration/libp2p/idle-events-spec.ts',
  modesty: 'spec/integration/libp2p/identify-hostile-spec.ts',
  noise: 'spec/integration/libp2p/noise-frames-spec.ts',
  port: 'spec/integration/libp2p/port-spec.ts',
  pubsub: 'spec/integration/libp2p/pubsub-spec.ts',
  strangers: 'spec/integration/libp2p/strangers-spec.ts',
  table: 'spec/libp2p/routing-table-spec.ts',
  tcp: 'spec/integration/libp2p/tcp-writes-spec.ts',
  transport: 'spec/integration/libp2p/transport-spec.ts',
  yamux: 'spec/integration/libp2p/yamux-streams-spec.ts',
} as const

/** `file`: where it is switched off, when that is not the file with the header. */
function off(patch: string, change: Change, spec: keyof typeof SPECS, test: string, file = patch): Switch {
  return { patch: `src/libp2p/${patch}`, file: `src/libp2p/${file}`, change, spec: SPECS[spec], test }
}

const INTERNALS = 'gossip/internals.ts'

export const SWITCHES: readonly Switch[] = [
  off('patches/address-updates.ts', drop('endAddressUpdates', 'update.stop()'), 'lifecycle', 'has nothing left to do'),
  off(
    'patches/broken-connection.ts',
    replace('isBroken', "muxer.status !== 'open'", 'muxer === undefined'),
    'port',
    'does not take a connection that is being closed for an answer to a dial',
  ),
  off(
    'patches/broken-connection.ts',
    replace('isBroken', "muxer.status !== 'open'", 'muxer === undefined'),
    'connections',
    'it is broken as soon as it is being closed',
  ),
  off(
    'patches/claims.ts',
    drop('Claims.set', 'this.byAddress.set('),
    'dialling',
    'also when a slower one of them would come through',
  ),
  off(
    'patches/host-names.ts',
    replace('withLookup', 'lookup: names.lookup(families)', ''),
    'names',
    'TCP looks names up in our way',
  ),
  off('patches/identify-version.ts', drop('identifyAs', 'host.protocolVersion ='), 'identify', 'the protocol version'),
  off('patches/idle-events.ts', drop('skipIdleEvents', 'emitter.safeDispatchEvent ='), 'idle', 'makes no `idle`'),
  off(
    'patches/kad-buckets.ts',
    replace('withOwnBucket', 'create(KEY_BITS)', 'create(depth)'),
    'buckets',
    'holds the peers that are closest to us',
  ),
  off(
    'patches/kad-buckets.ts',
    drop('watchSplits', 'trie._determineBucket = '),
    'buckets',
    'of all others as many as ever',
  ),
  off(
    'patches/kad-table.ts',
    drop('RoutingTable.add', 'this.inside.routingTable.add('),
    'port',
    'takes a peer by hand and lets it go',
    'routing-table.ts',
  ),
  off(
    'patches/kad-table.ts',
    drop('RoutingTable.remove', 'this.inside.routingTable.remove('),
    'port',
    'takes a peer by hand and lets it go',
    'routing-table.ts',
  ),
  off(
    'patches/kad-table.ts',
    replace(
      'RoutingTable.ask',
      'this.inside.network.sendRequest(peerIdFromString(peer),',
      '((..._: unknown[]) => [])(',
    ),
    'strangers',
    'names a peer of which our lookups never hear',
    'routing-table.ts',
  ),
  off(
    'patches/known-addresses.ts',
    drop('keepKnownAddresses', 'transportManager.getAddrs = '),
    'port',
    'knows where it listens while the system does not tell',
  ),
  off(
    'patches/last-heartbeat.ts',
    replace('lastHeartbeat', 'clearTimeout(status.heartbeatTimeout)', 'undefined'),
    'lifecycle',
    'has nothing left to do',
  ),
  off(
    'patches/noise-frames.ts',
    drop('tune', 'decoder.lengthDecoder = '),
    'noise',
    'makes no error at the end of a packet',
  ),
  off('patches/noise-frames.ts', drop('tune', 'connection.decrypt = '), 'noise', 'does not join a large frame'),
  off('patches/socket.ts', drop('bytesReceived', 'return'), 'connections', 'the bytes that come and go are counted'),
  off('patches/socket.ts', drop('localAddress', 'return'), 'connections', 'the address of ours at which it began'),
  off('patches/tcp-writes.ts', drop('cork', 'socket.cork()'), 'tcp', 'gives all that is sent in one turn'),
  off('patches/tcp-writes.ts', drop('cork', 'connection.sendData = '), 'tcp', 'takes a large frame whole'),
  off(
    'patches/tcp-writes.ts',
    drop('cork', 'connection.sendData = '),
    'transport',
    'carries a small request in one piece',
  ),
  off(
    'patches/prefixed-streams.ts',
    drop('boundLengths', 'stream.onData = (data)'),
    'yamux',
    'keeps unread what no word',
  ),
  off('patches/prefixed-streams.ts', drop('boundLengths', 'stream.onData = (data)'), 'yamux', 'which it resets'),
  off('patches/yamux-fin.ts', drop('endWithDataFrame', 'yamux.sendFrame ='), 'yamux', 'with a data frame'),
  off('patches/yamux-streams.ts', drop('keepEarlyBytes', 'stream.unshift = '), 'yamux', 'bytes that are put back'),
  off(
    'patches/yamux-streams.ts',
    drop('giveHalfWindows', 'stream.sendWindowUpdate = '),
    'yamux',
    'when half of it is used up',
  ),
  off(
    'patches/yamux-streams.ts',
    drop('giveHalfWindows', 'stream.sendWindowUpdate = '),
    'transport',
    'with nothing besides',
  ),
  off('patches/yamux-streams.ts', drop('widen', 'stream.recvWindow = '), 'yamux', 'gives a widened stream its window'),
  off(
    'peer-tags.ts',
    replace('withoutKeepAlive', 'withoutKeepAliveTags(data)', 'data'),
    'port',
    'does not connect again by itself',
  ),
  off('peer-tags.ts', drop('hearMembers', 'heard('), 'table', 'a peer that kad could not tag is told all the same'),
  off(
    'kad/client.ts',
    replace('KadClient.guarded', "override(registrar, 'handle', handle)", 'registrar'),
    'kad',
    'about records and their providers',
  ),
  off(
    'kad/client.ts',
    replace('KadClient.filtered', 'framed(this.kept(answer, wanted, connection))', 'framed(frame)'),
    'kad',
    'makes us dial no more than a few addresses',
  ),
  off(
    'kad/client.ts',
    replace('KadClient.tryAll', 'force: true', 'force: false'),
    'duplicates',
    'leave two connections, and none is hung up',
  ),
  off(
    'guards/identify.ts',
    replace('behind', "override(registrar, 'handle', handle)", 'registrar'),
    'modesty',
    'said again and again is not read',
  ),
  off(
    'guards/identify.ts',
    drop('saying', 'wantNothing('),
    'modesty',
    'is reset: that by which a peer asks who we are',
  ),
  off('guards/identify.ts', drop('hearing', 'leave('), 'modesty', 'is reset: that by which a peer tells more than'),
  off('guards/identify.ts', drop('asking', 'leave('), 'modesty', 'is reset: that by which we ask who a peer is'),
  off(
    'guards/identify.ts',
    drop('telling', 'wantNothing('),
    'modesty',
    'is reset: that by which we tell something new',
  ),
  off(
    'guards/identify.ts',
    replace('modest', "override(override(peerStore, 'patch', patch), 'merge', merge)", 'peerStore'),
    'modesty',
    'is in the peer store as far as it is kept',
  ),
  off(
    'transports.ts',
    drop('transports', 'answered()'),
    'dialling',
    'are not tried once more beside when they answer and are slow',
  ),
  off(
    'gossip/message-cache.ts',
    replace('MessageCache.getWithIWantCount', 'entry?.validated !== true', 'entry === undefined'),
    'cache',
    'gives and offers nothing of a message before its verdict',
  ),
  off(
    'gossip/message-cache.ts',
    replace('gossipsubService', '{ ...init, messageCache: messageCache.option }', 'init'),
    'pubsub',
    'gives a third node that knows its id nothing',
    'gossip/gossipsub.ts',
  ),
  off(
    'gossip/registrar.ts',
    replace('GossipRegistrar.in', 'override(components, "registrar", this.component)', 'components'),
    'pubsub',
    'are gossiped about again when our stream is reset',
  ),
  off(
    INTERNALS,
    replace('Pubsub.received', 'this.inside.handleReceivedRpc(peer, rpc)', 'Promise.resolve()'),
    'pubsub',
    'carry a broadcast with its signer',
    'gossip/pubsub.ts',
  ),
  off(
    INTERNALS,
    drop('MessageAdmission.constructor', 'inside.validateReceivedMessage = '),
    'hostile',
    'is dropped and counted as',
    'gossip/admission.ts',
  ),
  off(
    INTERNALS,
    drop('Outbound.constructor', 'inside.sendRpc ='),
    'hostile',
    'that we send is never over the limit',
    'gossip/outbound.ts',
  ),
  off(
    INTERNALS,
    drop('Publishing.remember', 'this.inside.seenCache.put('),
    'pubsub',
    'refuse the same bytes again',
    'gossip/publishing.ts',
  ),
  off(
    INTERNALS,
    replace('Pubsub.compareMesh', 'this.inside.getMeshPeers(topic)', '([] as string[])'),
    'pubsub',
    'report meshes one by one',
    'gossip/pubsub.ts',
  ),
  off(
    INTERNALS,
    drop('Pubsub.verdict', 'this.inside.reportMessageValidationResult('),
    'pubsub',
    'hands a message to nobody before it is accepted',
    'gossip/pubsub.ts',
  ),
  off(
    INTERNALS,
    drop('Scores.join', 'this.score.params.topics[topic] = '),
    'pubsub',
    'never hands on what is answered with',
    'gossip/scores.ts',
  ),
  off(
    INTERNALS,
    drop('Scores.changed', 'this.score.scoreCache.delete('),
    'hostile',
    'after three bad ones within a second',
    'gossip/scores.ts',
  ),
  off(
    INTERNALS,
    drop('Scores.penalize', 'this.score.addPenalty('),
    'pubsub',
    'count what the core calls a misbehaviour',
    'gossip/scores.ts',
  ),
  off(
    INTERNALS,
    drop('keepScores', 'score.addPeer = '),
    'pubsub',
    'knows a peer again that was rejected',
    'gossip/scores.ts',
  ),
]
