/** The public types for those who compile more strictly than we do. */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = fileURLToPath(new URL('support/exact-types.ts', import.meta.url))

it('admit `undefined` for each option, also with exactOptionalPropertyTypes', () => {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram([file], { ...options, exactOptionalPropertyTypes: true, noEmit: true })
  const messages = program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => {
    return ts.flattenDiagnosticMessageText(messageText, ' ')
  })
  expect(messages).toEqual([])
  const seen = program
    .getSourceFile(file)!
    .statements.find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === 'Seen')
  const checker = program.getTypeChecker()
  expect(checker.typeToString(checker.getTypeAtLocation(seen!))).toBe('"a"')
}, 60_000)
