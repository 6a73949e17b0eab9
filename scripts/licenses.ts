/**
 * Writes docs/licenses.md: the licence of every package that comes with ours, as package-lock.json has them. Fails when one has none, or
 * one that is not permissive.
 *
 *   tsx scripts/licenses.ts [--check]
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command-line.js'
import { keep } from './package/keep.js'
import { isPermissive } from './package/permissive.js'

interface Locked {
  name?: string
  version: string
  license?: string
  dev?: boolean
}

interface Package {
  name: string
  version: string
  license: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'))

/** All but those for development alone, by name. */
function packages(): Package[] {
  const lock = readJson('package-lock.json') as { packages: Record<string, Locked> }
  const listed = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { name = path.split('node_modules/').at(-1)!, version, license = installedLicense(path) }]) => {
      return { name, version, license }
    })
  const byName = new Map(listed.map((one) => [`${one.name} ${one.version}`, one]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** What the lock file does not say, the package itself may. */
function installedLicense(path: string): string {
  const file = join(path, 'package.json')
  const { license } = existsSync(join(root, file)) ? (readJson(file) as { license?: unknown }) : {}
  return typeof license === 'string' ? license : 'none'
}

function page(list: readonly Package[]): string {
  const counts = new Map<string, number>()
  for (const { license } of list) counts.set(license, (counts.get(license) ?? 0) + 1)
  const most = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const told = most.map(([license, count]) => `${license} (${count})`).join(', ')
  return `# Licences

tinyp2p has the MIT licence. Installing it brings ${list.length} packages, all with permissive licences: ${told}.
\`dist/cjs/bundle.cjs\`, which \`require\` loads, has most of them inside, and their notices beside it in \`bundle.cjs.LICENSES.txt\`.

\`npm run licenses\` writes this page from the lock file, and \`npm run test:package\` compares. The versions are those that we test.

| package | version | licence |
| ------- | ------- | ------- |
${list.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`).join('\n')}
`
}

await runCommand('licenses', async () => {
  await keep({
    command: 'licenses',
    help: 'npm run licenses [-- --check]: writes docs/licenses.md, or says whether it is up to date',
    make: async () => {
      const list = packages()
      const strict = list.filter(({ license }) => !isPermissive(license))
      if (strict.length > 0) {
        for (const { name, version, license } of strict) {
          console.error(`${name} ${version} has a licence that is not permissive: ${license}`)
        }
        process.exitCode = 1
        return new Map()
      }
      return new Map([['docs/licenses.md', page(list)]])
    },
  })
})
