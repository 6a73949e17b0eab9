/**
 * The boot node leaves for good. Two nodes that met through it are parted until both have forgotten each other, or long
 * enough for that, then healed: until they know each other again. (Reported of other systems as an eclipse for ever.)
 */
import { allKnow, until } from '../waiting.js'
import { figure, pause, type Scenario } from './scenario.js'

const TICK = 1_000
/** They have forgotten each other long before. */
const PARTED = 30_000
/** A dial that began before they forgot has ended by then. */
const LAST_DIAL = 12_000

export const amnesia: Scenario = {
  name: 'boot node gone for good, two parted, then healed: until they know each other',
  hosts: ['boot', 'b', 'c'],
  goal: 2 * TICK + 500,
  waits: true,
  async measure(world, patience) {
    const config = { discoveryInterval: TICK, reqResp: { connectionKeepAlive: TICK } }
    const boot = await world.host('boot').node(config)
    const b = await world.host('b').node({ ...config, bootNodes: boot.at() })
    const c = await world.host('c').node({ ...config, bootNodes: boot.at() })
    await allKnow([boot, b, c], 15_000)
    await world.host('boot').kill()
    await pause(200) // Its kernel closes its connections; else that would be found half a minute later.
    await world.host('boot').removeAddress()
    await world.partition([['b'], ['c']])
    await figure(
      until('they forget each other', PARTED, async () => {
        const tables = await Promise.all([b, c].map((node) => node.order('knownPeers', {})))
        return tables.every((table) => Object.keys(table as object).length === 0)
      }),
    )
    await pause(LAST_DIAL)
    await world.heal()
    return figure(allKnow([b, c], patience))
  },
}
