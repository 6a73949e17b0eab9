/**
 * The components for a service that may tag peers, but must not make libp2p reconnect them: kad tags its closest peers
 * with `keep-alive…`, gossipsub its mesh peers with the topic's name, and libp2p dials whoever wears such a tag again,
 * at once, even with no retries. Which connections last is the lane's to decide.
 */
import { KEEP_ALIVE, type PeerData, type PeerStore } from '@libp2p/interface'

export function withoutKeepAlive<Components extends { peerStore: PeerStore }>(components: Components): Components {
  const { peerStore } = components
  const merge: PeerStore['merge'] = (id, data, options) => peerStore.merge(id, withoutTags(data), options)
  // Both are made of getters and methods that need their own `this`: proxies of the two, and no copies.
  const quiet = override(peerStore, 'merge', merge)
  return override(components, 'peerStore', quiet)
}

function withoutTags(data: PeerData): PeerData {
  if (data.tags === undefined) return data
  const tags = data.tags instanceof Map ? [...data.tags] : Object.entries(data.tags)
  return { ...data, tags: Object.fromEntries(tags.filter(([name]) => !name.startsWith(KEEP_ALIVE))) }
}

function override<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): T {
  return new Proxy(target, {
    get(object, name) {
      if (name === key) return value
      const found: unknown = Reflect.get(object, name)
      return typeof found === 'function' ? (found.bind(object) as unknown) : found
    },
  })
}
