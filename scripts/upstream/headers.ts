/**
 * The headers of the files of src/libp2p that touch a package's inside. Each says the same things in the same order; what a
 * machine can check of them it checks (spec/libp2p/patches/headers-spec.ts, `npm run upstream -- --guards`).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const FIELDS = ['Package', 'Private members', 'Changes', 'Without it', 'Missing option', 'Guarded by'] as const
type Field = (typeof FIELDS)[number]

/** Behind this a header names the public members that its patch replaces. They are checked, and not counted. */
const PUBLIC = '; the public '

export interface Header {
  /** From the root of the repository, as all paths here. */
  file: string
  /** What is said, by field; a field that is missing is not in it. */
  fields: Map<Field, string>
  /** Package → the version that the file knows. The first one is whose members they are. */
  packages: Map<string, string>
  /** Each private member, and each one on the way to it. */
  members: string[]
  /** The specs that fail without it. */
  specs: string[]
}

/** Source files of src/libp2p → their text. */
export function sourcesOf(root: string): Map<string, string> {
  const names = readdirSync(join(root, 'src', 'libp2p'), { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => `src/libp2p/${name.replaceAll('\\', '/')}`)
  return new Map(files.sort().map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** The headers of all files that name a package. */
export function headersOf(sources: ReadonlyMap<string, string>): Header[] {
  return [...sources].map(([file, text]) => headerOf(file, text)).filter(({ fields }) => fields.has('Package'))
}

export function headerOf(file: string, text: string): Header {
  const fields = fieldsOf(text)
  const packages = [...(fields.get('Package') ?? '').matchAll(/([@\w][\w@/-]*) (\d+\.\d+\.\d+)/g)]
  const named = fields.get('Private members') ?? ''
  const [own] = named.split(PUBLIC)
  const members = named.startsWith('none') ? [] : [...own!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!)
  return {
    file,
    fields,
    packages: new Map(packages.map(([, name, version]) => [name!, version!])),
    members: [...new Set(members.flatMap(prefixes))],
    specs: (fields.get('Guarded by') ?? '').match(/spec\/[\w/.-]+-spec\.ts/g) ?? [],
  }
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`: each of them is a member that we reach. */
export function prefixes(path: string): string[] {
  const names = path.split('.')
  return names.map((_, at) => names.slice(0, at + 1).join('.'))
}

function fieldsOf(text: string): Map<Field, string> {
  const fields = new Map<Field, string>()
  const comment = text.startsWith('/**') ? text.slice(3, text.indexOf('*/')) : ''
  let current: Field | undefined
  for (const line of comment.split('\n').map((one) => one.replace(/^ \* ?/, ''))) {
    const field = FIELDS.find((name) => line.startsWith(`${name}:`))
    if (field !== undefined) fields.set((current = field), line.slice(field.length + 1).trim())
    else if (line.trim() === '') current = undefined
    else if (current !== undefined) fields.set(current, `${fields.get(current)} ${line.trim()}`.trim())
  }
  return fields
}
