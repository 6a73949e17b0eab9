/** The law of imports, on one import at a time. Which rows there are, spec/house-spec.ts looks at. */
import { describe, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { mayImport } from '../../scripts/lint/may-import.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const linter = new Linter({ cwd: root })

/** The ids of what is reported of a file of src with this text. */
function lint(file: string, text: string): string[] {
  const messages = linter.verify(
    text,
    {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser },
      plugins: { house: { rules: { 'may-import': mayImport } } },
      rules: { 'house/may-import': 'error' },
    },
    { filename: `${root}src/${file}` },
  )
  return messages.map(({ messageId, message }) => messageId ?? message)
}

describe('the law of imports', () => {
  it.each([
    ['core/peers/dials.ts', `import { a } from '../asks.js'`],
    ['core/peers/dials.ts', `import { a } from './candidates.js'`],
    ['core/peers/dials.ts', `import { a } from '../../wire/protocols.js'`],
    ['core/step.ts', `import { a } from './explain/explain.js'`],
    ['testing/simulate.ts', `import { a } from './network/host.js'`],
    ['lane/lane.ts', `import { a } from 'rxjs'`],
    ['testing/marbles.ts', `import { a } from 'rxjs/testing'`],
    ['libp2p/host.ts', `import { a } from '@libp2p/anything'`],
    ['storage/files.ts', `import { a } from 'node:fs/promises'`],
    ['create-node.ts', `import type { A } from './storage/data-dir.js'`],
    ['create-node.ts', `const a = await import('./storage/data-dir.js')`],
  ])('lets %s say %s', (file, text) => {
    expect(lint(file, text)).toEqual([])
  })

  it.each([
    // A room above, beside, and one that is named in part.
    ['core/asks.ts', `import { a } from '../edge/checks.js'`],
    ['core/peers/dials.ts', `import { a } from '../step.js'`],
    ['core/peers/dials.ts', `import { a } from '../explain/explain.js'`],
    ['core/peers/dials.ts', `import { a } from '../broadcasts/topics.js'`],
    ['libp2p/port.ts', `import { a } from '../core/state.js'`],
    ['testing/network/host.ts', `import { a } from '../simulate.js'`],
    ['config/config.ts', `import { a } from '../recording/recorder.js'`],
    // Packages, and what Node has.
    ['core/asks.ts', `import { a } from 'rxjs'`],
    ['edge/queue.ts', `import { a } from '@libp2p/peer-id'`],
    ['edge/queue.ts', `import { a } from 'libp2p'`],
    ['node/node.ts', `import { a } from 'rxjs-more'`],
    ['recording/format.ts', `import { a } from 'node:zlib'`],
    ['recording/format.ts', `import { a } from 'zlib'`],
    // Out of src, and ourselves by our name.
    ['core/asks.ts', `import { a } from '../../dist/index.js'`],
    ['edge/asks.ts', `import { a } from 'tinyp2p'`],
    // Other ways to say it.
    ['core/asks.ts', `import type { A } from '../edge/checks.js'`],
    ['core/asks.ts', `import '../edge/checks.js'`],
    ['core/asks.ts', `export { a } from '../edge/checks.js'`],
    ['core/asks.ts', `export * from '../edge/checks.js'`],
    ['core/asks.ts', `const a = await import('../edge/checks.js')`],
    ['core/asks.ts', `type A = import('../edge/checks.js').A`],
    ['core/asks.ts', `import a = require('../edge/checks.js')`],
  ])('does not let %s say %s', (file, text) => {
    expect(lint(file, text)).toEqual(['foreign'])
  })

  it.each([
    ['testing/index.ts', `export { a } from '../recording/file.js'`],
    ['testing/index.ts', `export * from '../recording/file.js'`],
    ['recording/recorded.ts', `import { a } from './file.js'`],
    ['create-node.ts', `import { a } from './storage/data-dir.js'`],
  ])('does not let %s load what only Node has: %s', (file, text) => {
    expect(lint(file, text)).toEqual(['static'])
  })

  it('does not let a room compute what it imports', () => {
    expect(lint('core/asks.ts', 'const a = await import(`../${name}.js`)')).toEqual(['computed'])
  })

  it.each(['new.ts', 'newroom/file.ts', 'core/newroom/file.ts', 'testing/newroom/file.ts'])(
    'wants a row for %s',
    (file) => {
      expect(lint(file, 'export const a = 1')).toEqual(['noRow'])
    },
  )
})
