/** Programs of `examples/` that show how something ends are run. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('examples/peers.ts follows a peer, and brings a network back without a boot node', async () => {
  const args = ['--import', 'tsx', 'examples/peers.ts']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 50_000 })
  expect(stderr).toBe('')
  const lines = stdout.trim().split('\n')
  expect(lines).toContain('bob sees alice: identified')
  expect(lines.slice(-3)).toEqual([
    'the way to alice is measured',
    'bob has stopped',
    'the same peers, without a boot node: true',
  ])
}, 60_000)
