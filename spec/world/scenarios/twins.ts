/**
 * A peer is gone without a word: its process hangs, or its host is off the network. Its replacement, elsewhere, has the same secret,
 * has dialled us and was answered. Until the first of our requests to it by its id is answered; and until broadcasts reach it.
 */
import { newSecret } from 'tinyp2p'
import { titled } from '../../support/child-broadcasts.js'
import type { WorldNode } from '../host.js'
import type { World } from '../world.js'
import { answered, answers, pause, type Scenario } from './scenario.js'

const TOPIC = 'news'
type End = 'hangs' | 'is cut off'

/** `before`: what goes to the old one until its end. */
async function replace(
  world: World,
  end: End,
  before?: (a: WorldNode) => Promise<unknown>,
): Promise<{ a: WorldNode; twin: WorldNode }> {
  const config = { secret: newSecret(), topics: [TOPIC] }
  const a = await world.host('a').node({ topics: [TOPIC] })
  const old = await world.host('old').node({ ...config, bootNodes: a.at() })
  await old.writes(TOPIC)
  if (!(await answers(old, a.peerId, 5_000))) throw new Error('the old one was not answered')
  await answered(a, old.peerId, { patience: 5_000 })
  await a.order('meshed', { topic: TOPIC, amount: 1, within: 10_000 })
  await before?.(a)
  if (end === 'hangs') await world.host('old').freeze()
  else await world.partition([['old'], ['a', 'new']])
  const twin = await world.host('new').node({ ...config, bootNodes: a.at() })
  await twin.writes(TOPIC)
  if (!(await answers(twin, a.at(), 5_000))) throw new Error('the new one was not answered')
  return { a, twin }
}

const hosts = ['a', 'old', 'new']

function request(end: End): Scenario {
  return {
    name: `a peer ${end}, and a replacement has its secret: until the first request to it is answered`,
    hosts,
    goal: 1_000,
    async measure(world, patience) {
      const { a, twin } = await replace(world, end)
      const start = performance.now()
      return (await answers(a, twin.peerId, patience)) ? performance.now() - start : Infinity
    },
  }
}

/** 50 kB/s: a test of the old connection waits behind what is on its way, and must not wait behind what has long arrived. */
const [SIZE, EVERY] = [5_000, 100]
/** Broadcasts go to the old one for so long, ms, … */
const BEFORE = 5_000
/** … and then for so long, … */
const SENDS = 6_000
/** … and the last of them may take so long. */
const ARRIVES = 2_000

/** Broadcasts for so long, and when each of them was sent. */
async function broadcastFor(a: WorldNode, ms: number, name: string): Promise<{ text: string; at: number }[]> {
  const start = performance.now()
  const sent: { text: string; at: number }[] = []
  while (performance.now() - start < ms) {
    const text = `${name} ${sent.length}`
    sent.push({ text, at: performance.now() - start })
    await a.broadcast(TOPIC, titled(text, SIZE))
    await pause(EVERY)
  }
  return sent
}

function broadcasts(end: End): Scenario {
  return {
    name: `a peer ${end} amid 50 kB/s of broadcasts, and a replacement has its secret: until none is lost any more`,
    hosts,
    goal: 2_000,
    async measure(world) {
      const { a, twin } = await replace(world, end, (before) => broadcastFor(before, BEFORE, 'old'))
      const sent = await broadcastFor(a, SENDS, 'new')
      await pause(ARRIVES)
      const heard = new Set(twin.journal(TOPIC).map((noted) => noted.text))
      const lost = sent.filter(({ text }) => !heard.has(text))
      if (lost.length === sent.length) return Infinity
      return Math.max(0, ...lost.map(({ at }) => at))
    },
  }
}

export const twins = (['hangs', 'is cut off'] as const).flatMap((end) => [request(end), broadcasts(end)])
