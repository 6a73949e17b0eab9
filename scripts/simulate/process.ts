/** Runs a part of the script in a process of its own, with memory for a large network, and takes what it says at its end. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../simulate.ts', import.meta.url))

/**
 * A simulation makes much that lives for some virtual seconds. A large young generation lets it die there, which saves a
 * fifth of the time.
 */
const MEMORY = ['--max-old-space-size=18000', '--max-semi-space-size=64']

export function inOwnProcess<Outcome>(args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(script, args, { execArgv: [...process.execArgv, ...MEMORY] })
    child.once('message', (outcome) => {
      resolve(outcome as Outcome)
      child.kill()
    })
    child.once('exit', (code) => {
      reject(new Error(`the process of ${args.join(' ')} ended (${code})`))
    })
  })
}
