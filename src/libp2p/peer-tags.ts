/**
 * The peer store of a service that tags peers. kad-dht and gossipsub get it in place of libp2p's, as a component.
 *
 * Package: @libp2p/kad-dht 16.4.5, @libp2p/gossipsub 17.1.1
 * Private members: none; the name `kad-peer` of kad's tag is relied on, and that tags are written by `merge`
 * Changes: tags that keep a connection alive are left out. kad's tag of the members of its table is heard on the way.
 * Without it: kad tags its closest peers with `keep-alive…`, and libp2p dials a peer with such a tag again at once, even with
 *   no retries, though the lane decides which connections last. And the lane would not know the table: kad's own event comes
 *   only when the tag is written; when that fails, a member would be unknown to us for ever.
 * Missing option: no tags that keep alive (https://github.com/libp2p/js-libp2p/pull/2740 brought them), and an event of the table.
 * Guarded by: spec/integration/libp2p/port-spec.ts, spec/libp2p/routing-table-spec.ts
 */
import { KEEP_ALIVE, type PeerData, type PeerId, type PeerStore } from '@libp2p/interface'
import { override } from './component-override.js'

/** What kad-dht tags a peer with when it enters the table, and untags when it leaves. There is no option for it. */
const KAD_PEER = 'kad-peer'

type Components = { peerStore: PeerStore }
type Merge = PeerStore['merge']

export function withoutKeepAlive<C extends Components>(components: C): C {
  return withMerge(components, (merge) => (id, data, options) => merge(id, withoutKeepAliveTags(data), options))
}

export function hearMembers<C extends Components>(components: C, heard: (id: PeerId, isMember: boolean) => void): C {
  return withMerge(components, (merge) => (id, data, options) => {
    const tag = tagsOf(data).find(([name]) => name === KAD_PEER)
    if (tag !== undefined) heard(id, tag[1] !== undefined)
    return merge(id, data, options)
  })
}

function withoutKeepAliveTags(data: PeerData): PeerData {
  if (data.tags === undefined) return data
  return { ...data, tags: Object.fromEntries(tagsOf(data).filter(([name]) => !name.startsWith(KEEP_ALIVE))) }
}

function tagsOf({ tags = {} }: PeerData) {
  return tags instanceof Map ? [...tags] : Object.entries(tags)
}

function withMerge<C extends Components>(components: C, wrap: (merge: Merge) => Merge): C {
  const { peerStore } = components
  const merge = wrap((id, data, options) => peerStore.merge(id, data, options))
  return override(components, 'peerStore', override(peerStore, 'merge', merge))
}
