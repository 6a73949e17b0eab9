/**
 * A client starts before its boot node: from when that one is up until a request to it is answered. Until then its host
 * refuses the dials, or is not there either, so that they hang.
 */
import { newSecret } from 'tinyp2p'
import { peerIdOf } from '../../../src/identity.js'
import { LISTEN } from '../host.js'
import { answered, pause, type Scenario } from './scenario.js'

/** Enough for several attempts. */
const LATE = 6_000

function bootLate(before: 'refuses' | 'hangs'): Scenario {
  return {
    name: `client before its boot node, whose host ${before}: until it is asked, once it is up`,
    hosts: ['client', 'boot'],
    goal: 1_000,
    async measure(world, patience) {
      const secret = newSecret()
      const id = await peerIdOf(secret)
      const boot = world.host('boot')
      const { address } = boot
      if (before === 'hangs') await boot.removeAddress()
      const bootNodes = `${LISTEN.replace('0.0.0.0', address)}/p2p/${id}`
      const client = await world.host('client').node({ bootNodes })
      await pause(LATE)
      if (before === 'hangs') await boot.addAddress(address)
      await boot.node({ secret })
      return answered(client, id, { patience })
    },
  }
}

export const lateBootNodes = (['refuses', 'hangs'] as const).map(bootLate)
