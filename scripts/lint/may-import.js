/**
 * The law of imports: a file of src imports what its row in rooms.js names, and nothing else. Imports of types count, and so do
 * `export … from`, `import()` and `import('…')` in a type. What only Node can load (storage, recording/file.ts) is imported by
 * `import()`, but for its types.
 */
import { posix } from 'node:path'
import { LOADED_ROWS, ROOMS, covers, inSrc, namesPackage, rowOf } from './rooms.js'

/** @type {import('eslint').Rule.RuleModule} */
export const mayImport = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      noRow: '{{file}} has no row in scripts/lint/rooms.js: say there what it may import',
      foreign: '{{row}} may not import {{what}}: its row in scripts/lint/rooms.js does not name it',
      static: 'src/{{what}} has modules of Node: import its values by import(), so that a browser need not have them',
      computed: 'a computed import cannot be checked: import by a text',
    },
  },

  create(context) {
    const file = inSrc(context.filename)
    const row = rowOf(file)
    if (row === undefined) {
      const noRow = { messageId: 'noRow', data: { file: `src/${file}` } }
      return { Program: (node) => context.report({ node, ...noRow }) }
    }
    const { ours, packages } = ROOMS[row]

    /** `isLater`: it is not there when the file is loaded, because it is a type, or imported by `import()`. */
    function check(node, isLater) {
      if (node === null || node === undefined) return
      const { value } = node
      if (typeof value !== 'string') return context.report({ node, messageId: 'computed' })
      const isOurs = value.startsWith('.')
      const what = isOurs ? posix.join(posix.dirname(file), value).replace(/\.js$/, '.ts') : value
      const isNamed = isOurs
        ? [row, ...ours].some((entry) => covers(entry, what))
        : packages.some((entry) => namesPackage(entry, what))
      if (!isNamed)
        return context.report({
          node,
          messageId: 'foreign',
          data: { row: `src/${row}`, what: isOurs ? `src/${what}` : what },
        })
      const theirs = isOurs && !isLater ? rowOf(what) : row
      if (theirs !== row && LOADED_ROWS.includes(theirs)) context.report({ node, messageId: 'static', data: { what } })
    }

    return {
      ImportDeclaration: ({ source, importKind }) => check(source, importKind === 'type'),
      ExportNamedDeclaration: ({ source, exportKind }) => check(source, exportKind === 'type'),
      ExportAllDeclaration: ({ source, exportKind }) => check(source, exportKind === 'type'),
      ImportExpression: ({ source }) => check(source, true),
      TSImportType: ({ source }) => check(source, true),
      TSExternalModuleReference: ({ expression }) => check(expression),
    }
  },
}
