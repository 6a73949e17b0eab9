/** The packages that are installed beside this one. */
import { readFileSync } from 'node:fs'
// (By another name, because the banners of bundles declare this one.)
import { createRequire as requireFrom } from 'node:module'
import { join } from 'node:path'

interface Manifest {
  name?: string
  version?: string
  dependencies?: Record<string, string>
}

/**
 * The versions of those of `names` that this package would get, by name; one that is installed under an alias counts by its own
 * name. What cannot be read is left out: in a bundle, and where there are no files, that is all of them.
 */
export function installedVersions(
  owner: string,
  names: readonly string[],
  from = import.meta.url,
): Map<string, string> {
  const found = new Map<string, string>()
  try {
    const require = requireFrom(from)
    const { name, dependencies = {} } = manifestAbove(from)
    // In a bundle it is the manifest of another package, which may have other versions than those in the bundle.
    if (name !== owner) return found
    for (const wanted of names) {
      const alias = Object.entries(dependencies).find(([, range]) => range.startsWith(`npm:${wanted}@`))?.[0] ?? wanted
      const version = firstManifest(require.resolve.paths(alias) ?? [], alias)?.version
      if (version !== undefined) found.set(wanted, version)
    }
  } catch {
    // There are no files, or not those that we know.
  }
  return found
}

function manifestAbove(url: string): Manifest {
  let folder = new URL('.', url)
  for (;;) {
    const manifest = readManifest(new URL('package.json', folder))
    const parent = new URL('..', folder)
    if (manifest !== undefined || parent.href === folder.href) return manifest ?? {}
    folder = parent
  }
}

function firstManifest(folders: readonly string[], name: string): Manifest | undefined {
  for (const folder of folders) {
    const manifest = readManifest(join(folder, name, 'package.json'))
    if (manifest !== undefined) return manifest
  }
  return undefined
}

function readManifest(file: string | URL): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch {
    return undefined
  }
}
