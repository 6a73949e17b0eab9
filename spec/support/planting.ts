/**
 * Plants faults in the sources. A change names a function and a piece of code in it, and no file: so it survives that the
 * function moves, and that it is formatted anew. The compiler's parser finds the function and cuts the code into tokens.
 */
import ts from 'typescript'

export interface Change {
  /**
   * The function that is changed: `name`, `Class.method`, or `object.method`, each from the top of its file. Functions may
   * share a name: then `code` has to tell them apart, or if it cannot, a folder: `folder/name`.
   */
  where: string
  /** The place in the function: some tokens in a row. Spaces, line breaks, comments, quotes and last commas do not count. */
  code: string
  /** What becomes of the place: other code, or nothing in place of the whole statement, or another statement. */
  act: { replaceBy: string } | 'drop' | { swapWith: string }
}

/** Other code in place of these tokens. */
export const replace = (where: string, code: string, by: string): Change => ({ where, code, act: { replaceBy: by } })

/** Takes the innermost statement away that these tokens are part of. (The whole body of a short arrow function is one.) */
export const drop = (where: string, code: string): Change => ({ where, code, act: 'drop' })

/** Lets two statements change places; some tokens of each say which. */
export const swap = (where: string, code: string, other: string): Change => ({
  where,
  code,
  act: { swapWith: other },
})

/** Something that could be done wrong, in one place or in several that belong together. */
export interface Fault {
  name: string
  changes: Change[]
}

interface Token {
  text: string
  at: number
  end: number
}

interface Place {
  file: ts.SourceFile
  function: ts.Node
  at: number
  end: number
}

interface Edit {
  path: string
  at: number
  end: number
  text: string
}

/** Some sources, parsed once for any number of faults. */
export class Sources {
  private readonly files = new Map<string, ts.SourceFile>()
  private readonly functions = new Map<string, { file: ts.SourceFile; node: ts.Node; tokens?: Token[] }[]>()

  constructor(texts: Iterable<[path: string, text: string]>) {
    for (const [path, text] of texts) {
      const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
      this.files.set(path, file)
      this.index(file, file, '')
    }
  }

  /** The new text of each file that the fault touches. @throws when one of its changes does not name one place. */
  plant({ name, changes }: Fault): Map<string, string> {
    try {
      return this.apply(changes.flatMap((change) => this.editsOf(change)).sort((a, b) => b.at - a.at))
    } catch (error) {
      throw new Error(`"${name}" cannot be planted: ${(error as Error).message}`, { cause: error })
    }
  }

  private apply(edits: Edit[]): Map<string, string> {
    const planted = new Map<string, string>()
    const untouched = new Map<string, number>()
    for (const { path, at, end, text } of edits) {
      if (end > (untouched.get(path) ?? Infinity)) throw new Error(`two of its changes overlap in ${path}`)
      untouched.set(path, at)
      const before = planted.get(path) ?? this.files.get(path)!.text
      planted.set(path, before.slice(0, at) + text + before.slice(end))
    }
    return planted
  }

  private editsOf({ where, code, act }: Change): Edit[] {
    const place = this.find(where, code)
    const path = place.file.fileName
    if (act === 'drop') {
      const { at, end, isBody } = statementAt(place, where, code)
      return [{ path, at, end, text: isBody ? 'undefined' : ';' }]
    }
    if ('replaceBy' in act) return [{ path, at: place.at, end: place.end, text: act.replaceBy }]
    const one = statementAt(place, where, code)
    const other = statementAt(this.find(where, act.swapWith), where, act.swapWith)
    const textOf = (part: { at: number; end: number }): string => place.file.text.slice(part.at, part.end)
    return [
      { path, at: one.at, end: one.end, text: textOf(other) },
      { path, at: other.at, end: other.end, text: textOf(one) },
    ]
  }

  /** The one place that is meant. */
  private find(where: string, code: string): Place {
    const [name, folder] = where.split('/').reverse()
    const functions = (this.functions.get(name!) ?? []).filter(
      ({ file }) => folder === undefined || file.fileName.split('/').slice(0, -1).includes(folder),
    )
    if (functions.length === 0) throw new Error(`there is no function ${where}`)
    const wanted = tokensIn(code)
    if (wanted.length === 0) throw new Error(`no code says where in ${where}`)
    const places = functions.flatMap((one): Place[] => {
      const tokens = (one.tokens ??= tokensOf(one.node, one.file))
      return occurrences(tokens, wanted).map((at) => ({
        file: one.file,
        function: one.node,
        at: tokens[at]!.at,
        end: tokens[at + wanted.length - 1]!.end,
      }))
    })
    if (places.length === 1) return places[0]!
    const paths = functions.map(({ file }) => file.fileName).join(', ')
    throw new Error(`this must occur once in ${where} (${paths}), and occurs ${places.length} times: ${code}`)
  }

  /** Gathers the functions of a file by name. One inside another belongs to the outer one. */
  private index(file: ts.SourceFile, node: ts.Node, scope: string): void {
    const named = node as { name?: ts.Node }
    const own = ts.isConstructorDeclaration(node) ? 'constructor' : named.name?.getText(file)
    const name = own === undefined ? scope : scope === '' ? own : `${scope}.${own}`
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && name !== '') {
      this.functions.set(name, [...(this.functions.get(name) ?? []), { file, node }])
    } else {
      ts.forEachChild(node, (child) => {
        this.index(file, child, name)
      })
    }
  }
}

/** The innermost statement around a place, or the whole body of an arrow function that has none. */
function statementAt(place: Place, where: string, code: string): { at: number; end: number; isBody: boolean } {
  let found: { node: ts.Node; isBody: boolean } | undefined
  const visit = (node: ts.Node): void => {
    if (node.getStart(place.file) > place.at || node.end < place.end) return
    const isBody = ts.isArrowFunction(node.parent) && node === node.parent.body && !ts.isBlock(node)
    if (isBody || isStatement(node)) found = { node, isBody }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(place.function, visit)
  if (found === undefined) throw new Error(`no statement of ${where} holds this: ${code}`)
  return { at: found.node.getStart(place.file), end: found.node.end, isBody: found.isBody }
}

function isStatement(node: ts.Node): boolean {
  return node.kind >= ts.SyntaxKind.FirstStatement && node.kind <= ts.SyntaxKind.LastStatement
}

/** The tokens of parsed code: only a parser knows a regular expression or a template from other code. */
function tokensOf(node: ts.Node, file: ts.SourceFile): Token[] {
  const tokens: Token[] = []
  const visit = (part: ts.Node): void => {
    if (ts.isJSDoc(part)) return
    const children = part.getChildren(file)
    for (const child of children) visit(child)
    if (children.length > 0 || part.getWidth(file) === 0) return
    tokens.push({ text: sameText(part.getText(file)), at: part.getStart(file), end: part.end })
  }
  visit(node)
  return withoutOptional(tokens)
}

/** The tokens of a piece of code that may begin and end anywhere. */
function tokensIn(code: string): Token[] {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, code)
  const tokens: Token[] = []
  while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) {
    tokens.push({ text: sameText(scanner.getTokenText()), at: scanner.getTokenStart(), end: scanner.getTokenEnd() })
  }
  return withoutOptional(tokens)
}

/** Either kind of quotes is the same. */
function sameText(text: string): string {
  return text.startsWith('"') ? `'${text.slice(1, -1)}'` : text
}

/** Without what a formatter puts in and takes out. What begins with `>` may be several brackets: each stands for itself. */
function withoutOptional(all: Token[]): Token[] {
  const tokens = all.flatMap((token) =>
    /^>./.test(token.text)
      ? [...token.text].map((text, i) => ({ text, at: token.at + i, end: token.at + i + 1 }))
      : token,
  )
  return tokens.filter(({ text }, i) => text !== ';' && !(text === ',' && /^[)\]}]$/.test(tokens[i + 1]?.text ?? '')))
}

function occurrences(tokens: Token[], wanted: Token[]): number[] {
  return tokens.flatMap((_, at) => (wanted.every(({ text }, i) => tokens[at + i]?.text === text) ? [at] : []))
}
