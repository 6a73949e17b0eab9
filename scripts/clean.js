// Empties dist, so that a build never ships what an older one left behind.
import { rmSync } from 'node:fs'

if (process.argv.length > 2) {
  console.error('scripts/clean.js empties dist, and takes no options')
  process.exit(2)
}

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
