/** The commands of `npm run` and the tools of packages, as the specs beside this file call them. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../support/packed.js'

/** What a command may take, ms. */
const WITHIN = 80_000

/** All that a command says when it fails, or nothing. */
export function complaint(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(command, args, { cwd: root, env, timeout: WITHIN, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${stdout}${stderr}${error.message}`)
    })
  })
}

/** A tool of our development dependencies. */
export const tool = (name: string): string => join(root, 'node_modules', '.bin', name)
