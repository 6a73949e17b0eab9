/**
 * Makes what `require('tinyp2p')` gives: one CommonJS file of ours and of all packages below us, but for rxjs, which users have too. libp2p is there
 * for `import` alone, so loaders that turn `import` into `require` (jest without ES modules, tsx and ts-node in CommonJS packages)
 * could not load it otherwise. And its types, which are those of the ES modules, and the notices of the packages inside.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { noticesOf } from './notices.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = `${root}/dist/cjs`
/** Entry points: the name of the file, and of the module that it stands for. */
const ENTRIES = { index: 'index.js', testing: 'testing/index.js', protocol: 'protocol/index.js' }

const lines = Object.entries(ENTRIES).map(([name, module]) => `export * as ${name} from './dist/${module}'`)
const { metafile } = await build({
  absWorkingDir: root,
  metafile: true,
  stdin: { contents: lines.join('\n'), resolveDir: root },
  outfile: `${out}/bundle.cjs`,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external: ['rxjs', 'rxjs/*'],
  // Loaders of CommonJS have no `import()`.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'MODULE_URL' },
  banner: { js: "const MODULE_URL = require('node:url').pathToFileURL(__filename).href" },
  logLevel: 'warning',
})

mkdirSync(out, { recursive: true })
writeFileSync(`${out}/bundle.cjs.LICENSES.txt`, noticesOf(root, Object.keys(metafile.inputs)))
for (const [name, module] of Object.entries(ENTRIES)) {
  writeFileSync(`${out}/${name}.cjs`, `module.exports = require('./bundle.cjs').${name}\n`)
  writeFileSync(`${out}/${name}.d.cts`, await typesOf(module))
}

/** The same types, as of a module that `require` loads: types by name, and values of them. */
async function typesOf(module) {
  const from = `'../${module}', { with: { 'resolution-mode': 'import' } }`
  const values = Object.entries(await import(`../dist/${module}`))
  const declared = values.map(([name, value]) => {
    const isClass = typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
    const type = isClass ? `export type ${name} = import(${from}).${name}\n` : ''
    return `export declare const ${name}: typeof import(${from}).${name}\n${type}`
  })
  return `export type * from '../${module}' with { 'resolution-mode': 'import' }\n${declared.join('')}`
}
