/** What the core can say when something is wrong, read from its sources: sightings.ts hears what of it the runs say. */
import ts from 'typescript'

/** Something that the core says: its file, and the text with a gap where it names something. */
export interface Saying {
  name: string
  pattern: RegExp
}

/** All that the sources have, by file. A text without a word of its own is left out. */
export function sayingsIn(files: Iterable<[path: string, text: string]>): Saying[] {
  const sayings = new Map<string, Saying>()
  for (const [path, text] of files) {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      const said = saidBy(node)
      for (const parts of said === undefined ? [] : partsOf(said)) {
        if (!parts.some((part) => /[a-z]{3}/.test(part))) continue
        const name = `${path.replace(/^src\/core\//, '')}: ${parts.join('…')}`
        const pattern = new RegExp(parts.map((part) => escape(part.replace(/\d+/g, '#'))).join('.*'), 's')
        sayings.set(name, { name, pattern })
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return [...sayings.values()]
}

/** The text of `log(out, level, text)`, of `overloaded(text)`, or of a refusal `{ code, message }`. */
function saidBy(node: ts.Node): ts.Expression | undefined {
  if (ts.isCallExpression(node)) {
    const callee = node.expression.getText()
    return callee === 'log' ? node.arguments[2] : callee === 'overloaded' ? node.arguments[0] : undefined
  }
  if (!ts.isObjectLiteralExpression(node) || !has(node, 'code')) return undefined
  const message = node.properties.find((property) => property.name?.getText() === 'message')
  if (message === undefined) return undefined
  if (ts.isPropertyAssignment(message)) return message.initializer
  return ts.isShorthandPropertyAssignment(message) ? message.name : undefined
}

function has(node: ts.ObjectLiteralExpression, name: string): boolean {
  return node.properties.some((property) => property.name?.getText() === name)
}

/** The fixed parts of a text; of a choice, those of each. */
function partsOf(text: ts.Expression): string[][] {
  if (ts.isStringLiteralLike(text)) return [[text.text]]
  if (ts.isTemplateExpression(text)) {
    return [[text.head.text, ...text.templateSpans.map(({ literal }) => literal.text)]]
  }
  if (ts.isTaggedTemplateExpression(text)) return partsOf(text.template)
  if (ts.isConditionalExpression(text)) return [...partsOf(text.whenTrue), ...partsOf(text.whenFalse)]
  if (!ts.isIdentifier(text)) return []
  const made = declarationOf(text)
  return made?.initializer === undefined ? [] : partsOf(made.initializer)
}

/** The `const` of this name in the nearest block around. */
function declarationOf(name: ts.Identifier): ts.VariableDeclaration | undefined {
  for (let scope: ts.Node = name.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    if (!ts.isBlock(scope)) continue
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue
      const found = statement.declarationList.declarations.find((one) => one.name.getText() === name.text)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
