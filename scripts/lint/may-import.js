/**
 * The law of imports: a file of src imports what its row in rooms.js names, and nothing else. Imports of types count, and so do
 * `export … from`, `import()` and `import('…')` in a type.
 */
import { posix } from 'node:path'
import { ROOMS, covers, namesPackage, rowOf } from './rooms.js'

/** @type {import('eslint').Rule.RuleModule} */
export const mayImport = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      noRow: '{{file}} has no row in scripts/lint/rooms.js: say there what it may import',
      foreign: '{{row}} may not import {{what}}: its row in scripts/lint/rooms.js does not name it',
      computed: 'a computed import cannot be checked: import by a text',
    },
  },

  create(context) {
    const [, file] = /\/src\/(.*)$/.exec(context.filename.replaceAll('\\', '/'))
    const row = rowOf(file)
    if (row === undefined) {
      const noRow = { messageId: 'noRow', data: { file: `src/${file}` } }
      return { Program: (node) => context.report({ node, ...noRow }) }
    }
    const { ours, packages } = ROOMS[row]

    function check(node) {
      if (node === null || node === undefined) return
      const { value } = node
      if (typeof value !== 'string') return context.report({ node, messageId: 'computed' })
      const isOurs = value.startsWith('.')
      const what = isOurs ? posix.join(posix.dirname(file), value).replace(/\.js$/, '.ts') : value
      const isNamed = isOurs
        ? [row, ...ours].some((entry) => covers(entry, what))
        : packages.some((entry) => namesPackage(entry, what))
      if (!isNamed)
        context.report({ node, messageId: 'foreign', data: { row: `src/${row}`, what: isOurs ? `src/${what}` : what } })
    }

    return {
      ImportDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSImportType: ({ source, argument }) => check(source ?? argument.literal),
      TSExternalModuleReference: ({ expression }) => check(expression),
    }
  },
}
