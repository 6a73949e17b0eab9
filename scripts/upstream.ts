/** Our patches of libp2p's packages: whether they fit the newest releases, and whether their specs guard them. */
import { fileURLToPath } from 'node:url'
import { PINNED } from '../src/libp2p/patches/supported.js'
import { runCommand, readArgs, UsageError } from './command-line.js'
import { checkGuards } from './upstream/guards.js'
import { checkNewest, isReleased, type Versions } from './upstream/newest.js'

const USAGE = `npm run upstream [-- options]
  (nothing)              the newest releases of the pinned packages; needs the network, and some minutes
  <package>@<version> …  these, and of the others the newest
  --guards               switches each patch off, and runs the spec that its header names; some minutes
  --help`

const root = fileURLToPath(new URL('..', import.meta.url))

function versionsOf(releases: readonly string[]): Versions {
  const versions: Versions = {}
  for (const release of releases) {
    const [, name = release, version] = /^(.+)@([^@]+)$/.exec(release) ?? []
    if (!Object.hasOwn(PINNED, name)) throw new UsageError(`${name} is none of ${Object.keys(PINNED).join(', ')}`)
    if (version === undefined) throw new UsageError(`${name} needs a version: ${name}@1.2.3`)
    if (!/^\d+\.\d+\.\d+([-+].+)?$/.test(version)) throw new UsageError(`${version} is no version, such as 1.2.3`)
    if (!isReleased(name, version)) throw new UsageError(`${name} has no release ${version}`)
    versions[name] = version
  }
  return versions
}

await runCommand('upstream', async () => {
  const { values, positionals } = readArgs({
    options: { help: { type: 'boolean' }, guards: { type: 'boolean' } },
    allowPositionals: true,
  })
  if (values.help) return console.log(USAGE)
  if (values.guards && positionals.length > 0) throw new UsageError('--guards tries no other versions')
  const wanted = versionsOf(positionals)
  const isGood = values.guards ? await checkGuards(root) : await checkNewest(root, wanted)
  process.exitCode = isGood ? 0 : 1
})
