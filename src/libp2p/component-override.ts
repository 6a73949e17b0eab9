/** A component of libp2p in which one member is replaced. */

/** A proxy and no copy, because components are made of getters and methods that need their own `this`. */
export function override<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): T {
  return new Proxy(target, {
    get(object, name) {
      if (name === key) return value
      const found: unknown = Reflect.get(object, name)
      return typeof found === 'function' ? (found.bind(object) as unknown) : found
    },
  })
}
