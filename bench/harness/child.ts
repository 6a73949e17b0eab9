/**
 * The program of every measured process: loads the module that it is given and runs that module's functions as it is told.
 *
 *   node child.js <module>
 */
import type { Order, Outcome } from './worker.js'

type Functions = Record<string, (...args: unknown[]) => unknown>

const functions = (await import(process.argv[2] ?? '')) as Functions

async function run({ id, name, args }: Order): Promise<Outcome> {
  try {
    const action = functions[name]
    if (action === undefined) throw new Error(`there is no ${name}`)
    return { id, value: await action(...args) }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (order: Order) => {
  void run(order).then((outcome) => process.send?.(outcome))
})
// The harness has gone.
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0, value: undefined } satisfies Outcome)
