/** What the commands of `npm run` share: `--help`, and one line and the exit code 2 for what cannot be asked for. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** What is wrong with the command line: a message without a stack. */
export class UsageError extends Error {}

/** As `parseArgs`, whose errors say more than they need. @throws UsageError */
export function readArgs<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const [first = ''] = (error as Error).message.split(/[.\n]/)
    throw new UsageError(first.charAt(0).toLowerCase() + first.slice(1))
  }
}

/** Runs a command. One that throws a UsageError ends with that line and with 2; any other error is a bug, and has a stack. */
export async function runCommand(name: string, run: () => void | Promise<void>): Promise<void> {
  // Nodes by the hundred are troubled on purpose: their warnings would hide what the command prints.
  process.env['TINYP2P_LOG'] ??= 'off'
  try {
    await run()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message} (npm run ${name} -- --help says what there is)`)
    process.exitCode = 2
  }
}
