/**
 * The attacker's process. Orders (see spec/world/orders.ts):
 * - `prepare { name, victim }`: begins the attack of this name, up to where it waits for its start.
 * - `start {}`
 * - `stop {}`: gives `Outcome` of tools/fate.ts.
 */
import { writeFileSync } from 'node:fs'
import { takeOrders } from '../../world/programs/take-orders.js'
import type { Context, Victim } from '../attacks/attack.js'
import { attacks } from '../attacks/index.js'
import { Fate } from '../tools/fate.js'

type Order = { id: number; do: string; name: string; victim: Victim }

const fate = new Fate()
const end = new AbortController()
let begin = (): void => undefined
let failure: Error | undefined

/** Of its session, beside those of other work on the machine: see row.ts. */
function goBefore(): void {
  try {
    writeFileSync('/proc/self/autogroup', '-10')
  } catch {
    // Then it is weaker where others work.
  }
}

function prepare(name: string, victim: Victim): Promise<void> {
  goBefore()
  const attack = attacks.find((one) => one.name === name)!
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const over = new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve()))
  return new Promise((resolve, reject) => {
    const start = async (): Promise<void> => {
      resolve()
      await begun
    }
    const context: Context = { victim, fate, signal: end.signal, over, start }
    attack.run(context).catch((error: Error) => {
      failure = error
      reject(error)
    })
  })
}

// What the victim does to an attacker's streams and sockets may reach nobody: it is no end of the attack.
process.on('uncaughtException', (error) => fate.refused(`uncaught: ${error.message.slice(0, 60)}`, 0))
process.on('unhandledRejection', () => undefined)

takeOrders(async (order: Order) => {
  switch (order.do) {
    case 'prepare':
      return prepare(order.name, order.victim)
    case 'start':
      fate.begin()
      return begin()
    case 'stop': {
      const outcome = fate.outcome()
      end.abort()
      if (failure !== undefined) throw failure
      return outcome
    }
    default:
      throw new Error(`no order ${order.do}`)
  }
})
