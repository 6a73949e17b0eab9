/**
 * Small requests each half second beside a large one and its answer, an echo, over a slow line, with default settings: the longest that
 * one of them takes. How long the large one takes, there and back, is printed.
 */
import { SLOW, type LinkSettings } from '../profiles.js'
import { pause, type Scenario } from './scenario.js'

const EVERY = 500

interface Line {
  profile: LinkSettings & { rate: number }
  /** Of the large value, bytes. */
  size: number
  goal: number
}

const lines: Line[] = [
  { profile: { ...SLOW, rate: 25_000 }, size: 300_000, goal: 1_500 },
  { profile: { ...SLOW, rate: 60_000 }, size: 600_000, goal: 1_000 },
  { profile: { ...SLOW, rate: 1_000_000 }, size: 1_000_000, goal: 1_000 },
]

function besideLarge({ profile, size, goal }: Line): Scenario {
  return {
    name: `small requests beside ${size / 1_000} kB over ${profile.rate / 1_000} kB/s: the longest`,
    hosts: ['a', 'b'],
    profile,
    goal,
    last: true,
    async measure(world) {
      const b = await world.host('b').node()
      const a = await world.host('a').node()
      await a.order('dial', { address: b.at() })
      const start = performance.now()
      let took: number | undefined
      const large = a.order('request', { peer: b.peerId, data: new Uint8Array(size), timeout: 90_000 }).then(() => {
        took = performance.now() - start
      })
      const isOver = (): boolean => took !== undefined
      const small: Promise<number>[] = []
      while (!isOver() && performance.now() - start < 90_000) {
        await pause(EVERY)
        if (isOver()) break
        const asked = performance.now()
        small.push(
          a.order('request', { peer: b.peerId, data: new Uint8Array(8) }).then(
            () => performance.now() - asked,
            () => Infinity,
          ),
        )
      }
      await large
      const times = (await Promise.all(small)).sort((one, other) => one - other)
      const needed = (2 * size * 1_000) / profile.rate
      const middle = times[times.length >> 1] ?? 0
      console.error(
        `${profile.rate} B/s: ${size} B there and back in ${took!.toFixed(0)} ms (the line: ${needed}), small ones p50 ${middle.toFixed(0)} ms of ${times.length}`,
      )
      return times.at(-1) ?? 0
    },
  }
}

export const besidesLarge: Scenario[] = lines.map(besideLarge)
