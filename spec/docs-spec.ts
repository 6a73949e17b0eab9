/** The documents against the sources: their tables are complete, their numbers are right, and the files that they name exist. */
import { describe, expect, it } from '@jest/globals'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { LIMIT_RULES, limitsOf, type Limits } from '../src/core/limits/limits.js'
import { shareOf } from '../src/core/limits/shares.js'
import { DIALS } from '../src/core/parameters.js'
import { defaultSettings } from '../src/core/settings.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const readme = read('README.md')

const sourceOf = (file: string): ts.SourceFile => ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)

/** The pages of a folder. */
function documentsIn(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`)
}

/** What a source declares under this name. */
function declared<Node extends ts.InterfaceDeclaration | ts.TypeAliasDeclaration>(
  file: string,
  name: string,
  is: (node: ts.Node) => node is Node,
): Node {
  return sourceOf(file)
    .statements.filter(is)
    .find((node) => node.name.text === name)!
}

/** The names of an interface's options, those of its objects as `ping.interval`. */
function optionsOf(file: string, name: string): string[] {
  const names = (members: ts.NodeArray<ts.TypeElement>, prefix: string): string[] =>
    members.filter(ts.isPropertySignature).flatMap(({ name: key, type }) => {
      const path = `${prefix}${key.getText()}`
      const inner = type !== undefined && ts.isUnionTypeNode(type) ? [...type.types] : [type]
      const literal = inner.find((one): one is ts.TypeLiteralNode => one !== undefined && ts.isTypeLiteralNode(one))
      return [path, ...(literal === undefined ? [] : names(literal.members, `${path}.`))]
    })
  return names(declared(file, name, ts.isInterfaceDeclaration).members, '')
}

/** The names that a file exports from others, each with its declaration: by name, from the file that it names. */
function exported(file: string): { name: string; declaration: ts.Statement }[] {
  const exports = sourceOf(file).statements.filter(ts.isExportDeclaration)
  return exports.flatMap(({ moduleSpecifier, exportClause }) => {
    if (moduleSpecifier === undefined || exportClause === undefined || !ts.isNamedExports(exportClause)) return []
    const from = join(file, '..', (moduleSpecifier as ts.StringLiteral).text.replace(/\.js$/, '.ts'))
    return exportClause.elements.map(({ name: { text: name } }) => ({ name, declaration: declarationIn(from, name) }))
  })
}

/** The file may only pass the name on from one that it imports. */
function declarationIn(file: string, name: string): ts.Statement {
  const { statements } = sourceOf(file)
  const isNamed = (node: ts.Statement): boolean =>
    (node as { name?: ts.Identifier }).name?.text === name ||
    (ts.isVariableStatement(node) && node.declarationList.declarations.some((one) => one.name.getText() === name))
  const own = statements.find(isNamed)
  if (own !== undefined) return own
  const source = statements.filter(ts.isImportDeclaration).find((node) => node.importClause?.getText().includes(name))!
  return declarationIn(
    join(file, '..', (source.moduleSpecifier as ts.StringLiteral).text.replace(/\.js$/, '.ts')),
    name,
  )
}

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0

/** The members that users see and that no comment explains. An overload is explained with the first one. */
function undocumented(node: ts.Statement): string[] {
  if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return []
  const seen = [...node.members].filter(
    (member) =>
      member.name !== undefined &&
      (ts.getCombinedModifierFlags(member as ts.Declaration) & ts.ModifierFlags.Private) === 0,
  )
  const known = new Set(seen.filter(isDocumented).map((member) => member.name!.getText()))
  return seen.map((member) => member.name!.getText()).filter((name) => !known.has(name))
}

/** The rows of the table below a heading, up to the next heading. */
function rows(markdown: string, heading: string): string[][] {
  const section = markdown.split(`\n${heading}\n`)[1]!.split(/\n#+ /)[0]!
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())) // prettier-ignore
}

/** What is in backticks. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
}

const config = rows(readme, '### Config')
const limits = rows(readme, '## Limits and defaults')

describe('the README', () => {
  const options = optionsOf('src/config/config.ts', 'NodeConfig')

  it('names every option of the config once, and no other', () => {
    const top = options.filter((name) => !name.includes('.'))
    expect(top.length).toBeGreaterThan(10)
    expect(config.flatMap(([name]) => quoted(name!)).sort()).toEqual(top.sort())
  })

  it('names every number of `reqResp` and `ping`', () => {
    const names = limits.flatMap((row) => quoted(row.join(' ')))
    const inner = options.filter((name) => name.includes('.')).map((name) => name.replace('reqResp.', ''))
    expect(inner.length).toBeGreaterThan(5)
    expect(inner.filter((name) => !names.includes(name))).toEqual([])
  })

  it('has the defaults that a node has', () => {
    const numbers = limits.map(([name, value]) => [quoted(name!)[0], Number(/^[\d,]+/.exec(value!)![0].replace(/,/g, ''))])
    expect(numbers.length).toBeGreaterThan(20)
    const dials = { 'DIALS.timeout': DIALS.timeout, 'DIALS.addressTimeout': DIALS.addressTimeout }
    expect({ ...defaultSettings, ...dials }).toMatchObject(Object.fromEntries(numbers) as object)
  }) // prettier-ignore

  it('explains every error code, and no other', () => {
    const { type } = declared('src/errors.ts', 'ErrorCode', ts.isTypeAliasDeclaration)
    const codes = (type as ts.UnionTypeNode).types.map((one) => one.getText().slice(1, -1))
    expect(codes.length).toBeGreaterThan(15)
    expect(rows(readme, '## Errors').flatMap(([code]) => quoted(code!)).sort()).toEqual(codes.sort()) // prettier-ignore
  })
})

describe('a public name', () => {
  it.each(['src/index.ts', 'src/testing/index.ts'])(
    'has a comment that explains it, as have its members: %s',
    (file) => {
      const names = exported(file)
      expect(names.length).toBeGreaterThan(15)
      const missing = names.flatMap(({ name, declaration }) => [
        ...(isDocumented(declaration) ? [] : [name]),
        ...undocumented(declaration).map((member) => `${name}.${member}`),
      ])
      expect(missing).toEqual([])
    },
  )
})

describe('docs/broadcasts.md', () => {
  it('names every option of `pubsub`', () => {
    const text = read('docs/broadcasts.md')
    const names = optionsOf('src/config/pubsub.ts', 'PubsubConfig').map((name) => name.split('.').at(-1)!)
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })
})

describe('docs/limits.md', () => {
  it('has every limit, with its unit and its default', () => {
    const table = read('docs/limits.md').split('\n## ')[0]!
    const told = [...table.matchAll(/^\| `(\w+)` +\| ([a-z ]+?) +\| ([\d,]+)/gm)].map(([, name, unit, value]) => {
      return [name, unit, Number(value!.replace(/,/g, ''))]
    })
    const right = (Object.entries(limitsOf()) as [keyof Limits, number][]).map(([name, value]) => {
      return [name, LIMIT_RULES[name].unit, value]
    })
    expect(told).toEqual(right)
  })

  it('says what one peer alone has of a thing with a reserve and a part for newcomers', () => {
    const percent = Math.round(shareOf(100_000, Infinity) / 1_000)
    expect(read('docs/limits.md')).toContain(`that is ${percent} % of all (13⁄32) for one alone`)
    expect(read('docs/operators.md')).toContain(`one peer alone has some ${Math.round(percent / 10) * 10} % of it`)
  })
})

/** The files and folders in CONTRIBUTING.md's picture of the house: a name is inside of the last line that is indented less. */
function treeOf(markdown: string): string[] {
  const folders: string[] = []
  const lines = markdown.split('```')[1]!.trim().split('\n')
  return lines.flatMap((line) => {
    const depth = /^ */.exec(line)![0].length / 2
    const [left = '', text = ''] = line.trim().split(/ {3,}/)
    const names = left.split(/ +/)
    // A line without a name goes on with the text of the one before.
    if (!names.every((name) => /^[\w-]+(\.ts|\/)$/.test(name))) return []
    const inside = folders.slice(0, depth).join('')
    if (names[0]!.endsWith('/')) folders.splice(depth, Infinity, names[0]!)
    const described = [...text.matchAll(/[\w-]+\.ts\b/g)].map(([name]) => folders.join('') + name)
    return [...names.map((name) => inside + name), ...described]
  })
}

describe('a document', () => {
  const documents = ['CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', ...documentsIn('docs')]
  const all = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })

  it('draws the house as it is', () => {
    const names = treeOf(read('CONTRIBUTING.md'))
    expect(names).toEqual(expect.arrayContaining(['src/core/expire.ts', 'src/core/requests/session/', 'src/lane/gather.ts', 'docs/'])) // prettier-ignore
    expect(names.filter((name) => !existsSync(join(root, name)))).toEqual([])
  })

  it.each(documents.filter((name) => name.endsWith('.md')))('names files that exist: %s', (document) => {
    const names = quoted(read(document).replace(/```[^]*?```/g, '')).filter((name) => /^[\w./-]+$/.test(name))
    const paths = names.filter((name) => /^(src|spec|docs|scripts|bench|examples)\//.test(name))
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
    const files = names.filter((name) => /^[\w-]+\.ts$/.test(name))
    const others = [...all, ...readdirSync(join(root, 'spec'), { recursive: true, encoding: 'utf8' })]
    expect(files.filter((file) => !others.some((path) => path === file || path.endsWith(`/${file}`)))).toEqual([])
  })
})
