/**
 * The model against reality: the same stories on real sockets and in the simulated network, on the same numbers of
 * `core/parameters.ts`. What a story determines must be the same in both: tables, meshes, recipients, hops, scores.
 */
import type { NodeConfig, P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { MESH, SCORE } from '../../src/core/parameters.js'
import { defaultScoring } from '../../src/core/pubsub.js'
import { bytes } from '../support/nodes.js'
import { eventually, realWorld, simulatedWorld, type World } from '../support/worlds.js'

/** Connections stay open, whatever the machine is busy with. */
const common: NodeConfig = { reqResp: { connectionKeepAlive: 120_000 } }

/** Nodes by names: the same in both worlds, where peer ids differ. */
type Cast = Map<string, P2pNode>

const castOf = (nodes: P2pNode[]): Cast => new Map(nodes.map((node, i) => [`n${i}`, node]))

const namesOf = (cast: Cast, peers: Iterable<string>): string[] => {
  const wanted = new Set(peers)
  return [...cast].filter(([, { peerId }]) => wanted.has(peerId)).map(([name]) => name)
}

/** What each of the cast shows, by its name. */
async function each<T>(cast: Cast, look: (node: P2pNode) => Promise<T>): Promise<Record<string, T>> {
  return Object.fromEntries(await Promise.all([...cast].map(async ([name, node]) => [name, await look(node)] as const)))
}

async function meshOf(cast: Cast, node: P2pNode, topic: string): Promise<string[]> {
  const { subscribers } = await node.explain({ topic })
  const inMesh = subscribers.filter((subscriber) => subscriber.inMesh)
  return namesOf(
    cast,
    inMesh.map(({ peer }) => peer),
  )
}

/** All names but one's own, by name: what everybody knows of everybody. */
const others = (cast: Cast): Record<string, string[]> =>
  Object.fromEntries([...cast.keys()].map((name) => [name, [...cast.keys()].filter((other) => other !== name)]))

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

interface Hearing {
  by: string
  via: string
}

/** One broadcast of each: whom it was handed to, who hears it, and from whom. */
async function broadcastOfEach(world: World, cast: Cast, topic: string) {
  const told: Record<string, { recipients: string[]; heard: Hearing[] }> = {}
  for (const [name, node] of cast) {
    const heard: Hearing[] = []
    const allHeard = Promise.all(
      [...cast]
        .filter(([, other]) => other !== node)
        .map(
          ([by, other]) =>
            new Promise<void>((resolve) => {
              const subscription = other.broadcasts$(topic).subscribe(({ via, from, data }) => {
                if (from !== node.peerId || new TextDecoder().decode(data) !== `of ${name}`) return
                heard.push({ by, via: namesOf(cast, [via])[0]! })
                subscription.unsubscribe()
                resolve()
              })
            }),
        ),
    )
    const { recipients } = await world.until(node.broadcast(topic, bytes(`of ${name}`)))
    await world.until(allHeard)
    heard.sort((a, b) => a.by.localeCompare(b.by))
    told[name] = { recipients: namesOf(cast, recipients), heard }
  }
  return told
}

/** Nodes that know one boot node find each other; some are in a topic from the start, and all join another one by one. */
async function discovery(world: World, amount: number) {
  const settings = { firstTick: 300 }
  const config = { ...common, topics: ['early'], discoveryInterval: 1_500 }
  const boot = await world.start(config, settings)
  const start = () => world.start({ ...config, bootNodes: boot.addresses }, settings)
  const cast = castOf([boot, ...(await Promise.all(Array.from({ length: amount - 1 }, start)))])
  const everybody = others(cast)

  const known = (key: 'knownPeers' | 'connections') =>
    eventually(
      world,
      () =>
        each(cast, async (node) => {
          const { knownPeers, connections } = await node.status()
          return namesOf(cast, key === 'connections' ? connections : Object.keys(knownPeers))
        }),
      (seen) => isSame(seen, everybody),
    )
  const [tables, connections] = [await known('knownPeers'), await known('connections')]
  const sizes = await eventually(
    world,
    () => each(cast, async (node) => (await meshOf(cast, node, 'early')).length),
    (seen) => Object.values(seen).every((size) => size >= MESH.Dlo),
  )

  // Each grafts those that were there before it, as long as they are not more than D.
  for (const node of cast.values()) {
    node.broadcasts$('late').subscribe()
    await world.until(node.joined('late'))
    for (const other of cast.values()) {
      if (other === node) continue
      await eventually(world, () => other.explain({ peer: node.peerId }), ({ topics }) => topics.includes('late')) // prettier-ignore
    }
  }
  const meshes = await eventually(
    world,
    () => each(cast, (node) => meshOf(cast, node, 'late')),
    (seen) => isSame(seen, everybody),
  )
  const broadcasts = Object.entries(await broadcastOfEach(world, cast, 'late')).map(([name, { recipients, heard }]) => {
    return [name, { recipients, heard: heard.map(({ by }) => by) }] as const
  })
  return { sizes, told: { tables, connections, meshes, broadcasts: Object.fromEntries(broadcasts) } }
}

/** A hub with more leaves than fit into its mesh. The leaves listen nowhere, so nobody can introduce them to each other. */
async function star(world: World, leaves: number) {
  const config = { ...common, topics: ['news'] }
  const hub = await world.start(config)
  const start = () => world.start(config, { listen: [] })
  const cast = castOf([hub, ...(await Promise.all(Array.from({ length: leaves }, start)))])
  for (const leaf of cast.values()) if (leaf !== hub) await world.until(leaf.dial(hub.addresses[0]!))
  await eventually(
    world,
    async () => (await hub.explain({ topic: 'news' })).subscribers.filter(({ reachable }) => reachable).length,
    (count) => count === leaves,
  )
  const meshes = await eventually(
    world,
    async () => {
      const { n0 = 0, ...rest } = await each(cast, async (node) => (await meshOf(cast, node, 'news')).length)
      return [n0, ...Object.values(rest).sort((a, b) => b - a)]
    },
    ([n0, ...rest]) => n0 === MESH.Dhi && rest.reduce((sum, one) => sum + one) === n0,
  )
  return { meshes, broadcasts: await broadcastOfEach(world, cast, 'news') }
}

/** A message that a validator rejects: the scores of its sender, one after the other, until it is as good as new. */
async function forgiveness(world: World): Promise<number[]> {
  const config = { ...common, topics: ['news'], pubsub: { scoring: { invalidMessageDecay: 0.5 } } }
  const [strict, sinner] = [await world.start(config), await world.start(config)]
  strict.validate('news', () => 'reject')
  await world.until(sinner.dial(strict.addresses[0]!))
  await world.until(sinner.broadcast('news', bytes('nonsense'), { waitForPeers: { min: 1, timeout: 10_000 } }))
  const scores: number[] = []
  await eventually(
    world,
    async () => (await strict.explain({ peer: sinner.peerId })).gossip.score ?? 0,
    (score) => {
      if (score !== scores.at(-1)) scores.push(score)
      return score === 0 && scores.some((one) => one < 0)
    },
  )
  return scores.filter((score) => score < 0)
}

const running: World[] = []
afterEach(() => Promise.all(running.splice(0).map((world) => world.end())), 20_000)

/** Tells a story in both worlds. */
async function both<T>(story: (world: World) => Promise<T>): Promise<{ reality: T; model: T }> {
  running.push(realWorld(), simulatedWorld())
  const [reality, model] = running as [World, World]
  return { reality: await story(reality), model: await story(model) }
}

describe('the model and reality', () => {
  it('have the same tables, connections, full meshes, recipients and hops where nodes find each other', async () => {
    const amount = MESH.D + 1
    const { reality, model } = await both((world) => discovery(world, amount))
    for (const { sizes } of [reality, model]) {
      for (const size of Object.values(sizes)) expect(size).toBeGreaterThanOrEqual(MESH.Dlo)
      for (const size of Object.values(sizes)) expect(size).toBeLessThanOrEqual(MESH.Dhi)
    }
    expect(model.told).toEqual(reality.told)
    const { meshes, broadcasts } = model.told
    for (const mesh of Object.values(meshes)) expect(mesh).toHaveLength(amount - 1)
    // One hop each: it was handed to all. (Which copy wins, the direct one or one that was forwarded, is chance in reality.)
    for (const { recipients, heard } of Object.values(broadcasts)) {
      expect(recipients).toHaveLength(amount - 1)
      expect(heard).toEqual(recipients)
    }
  }, 60_000)

  it('fill the mesh of a hub to its bound, and bring broadcasts to those outside of it by a second hop all the same', async () => {
    const leaves = MESH.Dhi + 2
    const { reality, model } = await both((world) => star(world, leaves))
    expect(model).toEqual(reality)
    expect(model.meshes).toEqual([MESH.Dhi, ...Array<number>(MESH.Dhi).fill(1), 0, 0])
    const { n0, n1 } = model.broadcasts
    expect([n0!.recipients.length, n1!.recipients]).toEqual([leaves, ['n0']])
    expect(n1!.heard).toHaveLength(leaves)
    expect(n1!.heard.filter(({ via }) => via === 'n0')).toHaveLength(leaves - 1)
  }, 60_000)

  it('forgive in the same steps', async () => {
    const { reality, model } = await both(forgiveness)
    for (const [i, score] of model.slice(1).entries()) expect(score / model[i]!).toBeCloseTo(0.5 ** 2)
    // In this order and no others. A machine that is busy for a second may miss a step of reality.
    expect(reality).toEqual(model.filter((score) => reality.includes(score)))
    expect(reality.length).toBeGreaterThanOrEqual(model.length - 2)
    const least = Math.sqrt(model.at(-1)! / defaultScoring.invalidMessageWeight)
    expect(least).toBeGreaterThanOrEqual(SCORE.decayToZero)
    expect(least / 2).toBeLessThan(SCORE.decayToZero)
  }, 60_000)
})
