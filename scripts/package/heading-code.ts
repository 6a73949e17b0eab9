/** Code in headings counts for their ids on the site, as it does on GitHub: typedoc asks the parser for text alone. */

interface Token {
  type: string
  content: string
  children: Token[] | null
}

/** What we use of markdown-it. */
export interface Parser {
  core: { ruler: { push(name: string, rule: (state: { tokens: Token[]; Token: new (type: string, tag: string, nesting: number) => Token }) => void): void } } // prettier-ignore
}

export function countCode(parser: Parser): void {
  parser.core.ruler.push('heading-code', (state) => {
    const tokenOf = (type: string, content: string): Token => Object.assign(new state.Token(type, '', 0), { content })
    for (const [at, { type }] of state.tokens.entries()) {
      if (type !== 'heading_open') continue
      const inline = state.tokens[at + 1]
      if (inline === undefined) continue
      inline.children = (inline.children ?? []).flatMap((token) => {
        if (token.type !== 'code_inline') return [token]
        return [tokenOf('html_inline', '<code>'), tokenOf('text', token.content), tokenOf('html_inline', '</code>')]
      })
    }
  })
}
