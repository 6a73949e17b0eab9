/** What is kept of something: a walk over all objects that can be reached by properties and collections. */

/** Where `text` is found, as paths; at most `most`. Bytes, closures and private fields are not seen. */
export function mentionsOf(text: string, root: object, most = 20): string[] {
  const found: string[] = []
  const seen = new Set<object>([root])
  const waiting: [unknown, string][] = [[root, '']]
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'string' && value.includes(text)) found.push(path)
    else if (typeof value === 'object' || typeof value === 'function') {
      if (value === null || seen.has(value)) return
      seen.add(value)
      waiting.push([value, path])
    }
  }
  for (let next = waiting.pop(); next !== undefined && found.length < most; next = waiting.pop()) {
    const [value, path] = next as [object, string]
    if (ArrayBuffer.isView(value) || value === globalThis) continue
    if (value instanceof Map) {
      for (const [key, item] of value) {
        look(key, `${path}{key}`)
        look(item, `${path}{${String(key)}}`)
      }
    }
    if (value instanceof Set) for (const item of value) look(item, `${path}{}`)
    for (const key of Reflect.ownKeys(value)) {
      look(key, `${path}.key`)
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (property !== undefined && 'value' in property) look(property.value, `${path}.${String(key)}`)
    }
  }
  return found
}
