/** What vitest needs to run the example here from the sources. A program that has installed tinyp2p needs no config. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../../node_modules/.vite', import.meta.url)),
  resolve: {
    alias: [
      { find: /^tinyp2p$/, replacement: source('index.ts') },
      { find: /^tinyp2p\/testing$/, replacement: source('testing/index.ts') },
    ],
  },
  test: { include: ['vitest.example.test.ts'] },
})
