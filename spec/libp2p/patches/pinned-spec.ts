/** The versions that the patches name are those that package.json pins, and that the lock file installs. */
import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { PINNED } from '../../../src/libp2p/patches/supported.js'

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'))

it.each(Object.entries(PINNED))('%s is pinned to %s, and installed at it', (name, version) => {
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> }
  const [alias, range] = Object.entries(dependencies).find(
    ([key, value]) => key === name || value.includes(`:${name}@`),
  )!
  expect(range.replace(`npm:${name}@`, '')).toBe(version)
  const { packages } = read('package-lock.json') as { packages: Record<string, { version: string }> }
  expect(packages[`node_modules/${alias}`]!.version).toBe(version)
})
