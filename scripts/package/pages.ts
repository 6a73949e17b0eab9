/** The pages of the site: which there are, under which heading each is listed, and what it is called. */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

export const GROUPS = ['Guide', 'How to', 'Reference', 'Inside'] as const

/** In the order in which somebody reads them who is new. */
const GUIDE = ['README', 'start', 'concepts', 'faq']
/** For those who change tinyp2p. */
const INSIDE = ['architecture', 'chaos', 'CONTRIBUTING', 'defaults', 'hostile', 'simulation', 'upstream', 'world']
/** The site has the reference of the API in full. */
const LEFT_OUT = /^docs\/api\//

/** Paths from the root, sorted as the site lists them. */
export function pagesOf(root: string): string[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md') && !LEFT_OUT.test(path))
  const place = (path: string): number => GROUPS.indexOf(groupOf(path)) * 10 + GUIDE.indexOf(guideOf(path))
  return [...inDocs, 'CHANGELOG.md', 'CONTRIBUTING.md'].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
}

export function groupOf(path: string): (typeof GROUPS)[number] {
  if (path.startsWith('docs/how-to/')) return 'How to'
  if (GUIDE.includes(guideOf(path))) return 'Guide'
  return INSIDE.includes(basename(path, '.md')) ? 'Inside' : 'Reference'
}

/** `start` of `docs/start.md`, and `concepts` of all in `docs/concepts/`. */
function guideOf(path: string): string {
  return path.replace(/^docs\//, '').split(/[/.]/)[0]!
}

/** What its first heading says, without what explains it. */
export function titleOf(root: string, path: string): string {
  const heading = /^# +(.+)$/m.exec(readFileSync(join(root, path), 'utf8'))
  return heading === null ? basename(path, '.md') : heading[1]!.replaceAll('`', '').split(':')[0]!
}
