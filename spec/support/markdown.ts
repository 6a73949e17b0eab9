/** What a page of Markdown links to, and what can be linked to in it, as GitHub reads it. */
import { Slugs } from '../../scripts/package/slug.js'

/** Without its code, in which nothing is a link or a heading. */
function withoutFences(markdown: string): string {
  return markdown.replace(/^( *)(`{3,}|~{3,})[^]*?^\1\2.*$/gm, '')
}

/** The targets of links and images, `[a](target)`, `[a]: target` and those of HTML. */
export function linksOf(markdown: string): string[] {
  const text = withoutFences(markdown)
    .replace(/(`+)[^]*?\1/g, '')
    .replace(/<!--[^]*?-->/g, '')
  const inline = [...text.matchAll(/\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'][^)]*)?\)/g)]
  const references = [...text.matchAll(/^ {0,3}\[(?!\^)[^\]]+\]:\s*<?([^\s>]+)/gm)]
  const html = [...text.matchAll(/<(?:a|img)\s[^>]*?(?:href|src)="([^"]*)"/g)]
  return [...inline, ...references, ...html].map(([, target]) => target!)
}

/** The ids of the headings. The second of a name ends in `-1`. Anchors of HTML have the id that they say. */
export function anchorsOf(markdown: string): string[] {
  const text = withoutFences(markdown)
  const slugs = new Slugs()
  const setext = [...text.matchAll(/^(?![#>|\-*+ ])(.+)\n(?:=+|-+) *$/gm)].map((match) => ({ match, title: match[1]! }))
  const atx = [...text.matchAll(/^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/gm)].map((match) => ({
    match,
    title: match[1]!,
  }))
  const headings = [...setext, ...atx].sort((a, b) => a.match.index - b.match.index)
  const ids = headings.map(({ title }) => slugs.next(shown(title)))
  return [...ids, ...[...text.matchAll(/<a\s[^>]*?(?:id|name)="([^"]*)"/g)].map(([, id]) => id!)]
}

/** A heading without its markup. */
function shown(title: string): string {
  return title
    .replace(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/<[a-z/][^>]*>/gi, '')
    .replace(/(?<![\p{L}\p{N}_])_+([^_]+)_+(?![\p{L}\p{N}_])/gu, '$1')
}
