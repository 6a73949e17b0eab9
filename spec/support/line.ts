/** Nodes in a line, each in a process of its own: a gate keeps all others from dialling. */
import { newSecret, type NodeConfig } from 'tinyp2p'
import { peerIdOf } from '../../src/identity.js'
import { AnotherProcess } from './another-process.js'

/** Each has dialled the one before it. `configs`: what is special about one of them, by its place. */
export async function startLine(
  amount: number,
  configs: Partial<Record<number, NodeConfig>> = {},
): Promise<AnotherProcess[]> {
  const secrets = Array.from({ length: amount }, () => newSecret())
  const ids = await Promise.all(secrets.map(peerIdOf))
  const line = await Promise.all(
    secrets.map((secret, place) => {
      const denied = ids.filter((_, other) => Math.abs(other - place) > 1)
      return AnotherProcess.start({ secret, ...configs[place] }, 'echo', { denied })
    }),
  )
  for (const [place, node] of line.entries()) {
    if (place > 0) await node.order('dial', { address: line[place - 1]!.address })
  }
  return line
}

/** All write down what they hear on the topic, and all neighbours are in each other's mesh of it. */
export async function joinLine(line: AnotherProcess[], topic: string): Promise<void> {
  await Promise.all(line.map((node) => node.writes(topic)))
  await Promise.all(
    line.map((node, place) => {
      const amount = place === 0 || place === line.length - 1 ? 1 : 2
      return node.order('meshed', { topic, amount, within: 20_000 })
    }),
  )
}
