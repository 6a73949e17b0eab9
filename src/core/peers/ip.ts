/** IP addresses as numbers. */

type Numbers = readonly number[]

/** The four bytes of an address of IPv4; `undefined`: it is none. */
export function bytesOf4(text: string): Numbers | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return parts.map(Number)
}

/** The eight groups of 16 bits of an address of IPv6; `undefined`: it is none. */
export function groupsOf6(text: string): Numbers | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const last = tail === null ? undefined : bytesOf4(tail[2]!)
  if (tail !== null && last === undefined) return undefined
  const whole = last === undefined ? text : `${tail![1]}${hex(last[0]!, last[1]!)}:${hex(last[2]!, last[3]!)}`
  const halves = whole.split('::')
  if (halves.length > 2) return undefined
  const [head, end] = [partsOf(halves[0]!), halves[1] === undefined ? undefined : partsOf(halves[1])]
  const missing = 8 - head.length - (end?.length ?? 0)
  if (end === undefined ? missing !== 0 : missing < 1) return undefined
  const all = end === undefined ? head : [...head, ...Array<string>(missing).fill('0'), ...end]
  return all.every((group) => /^[\da-f]{1,4}$/i.test(group)) ? all.map((group) => parseInt(group, 16)) : undefined
}

/** Two groups as the four bytes of the address of IPv4 that they carry. */
export function bytesAt(groups: Numbers, at: number): Numbers {
  return groups.slice(at, at + 2).flatMap((group) => [group >> 8, group & 255])
}

function partsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function hex(high: number, low: number): string {
  return ((high << 8) | low).toString(16)
}
