/** Every link inside of the documents leads somewhere: to a file of the repository, and to a heading of it. */
import { describe, expect, it } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorsOf, linksOf } from './support/markdown.js'

const root = fileURLToPath(new URL('..', import.meta.url))

const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name.replaceAll('\\', '/')}`)
const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'bench/README.md', ...inDocs]

/** What is wrong with a link, or undefined. */
function wrong(from: string, target: string): string | undefined {
  // Of another place: nothing is looked up in tests.
  if (/^[a-z][a-z\d+.-]*:/i.test(target) || target.startsWith('//')) return undefined
  const [path = '', anchor] = target.split('#').map(decodeURIComponent)
  if (path.startsWith('/')) return `${target}: begins with /, which is another place in each copy`
  const file = path === '' ? join(root, from) : join(root, dirname(from), path)
  if (relative(root, file).startsWith('..')) return `${target}: is outside of the repository`
  if (!existsSync(file)) return `${target}: no such file`
  if (anchor === undefined) return undefined
  if (statSync(file).isDirectory() || !file.endsWith('.md')) return `${target}: has no headings`
  return anchorsOf(readFileSync(file, 'utf8')).includes(anchor) ? undefined : `${target}: no such heading`
}

describe('links', () => {
  it.each(documents)('of %s lead to files and headings that exist', (document) => {
    const targets = linksOf(readFileSync(join(root, document), 'utf8'))
    expect(targets.map((target) => wrong(document, target)).filter((fault) => fault !== undefined)).toEqual([])
  })

  it('are found in most pages', () => {
    const linked = documents.filter((name) => linksOf(readFileSync(join(root, name), 'utf8')).length > 0)
    expect(linked.length).toBeGreaterThan(documents.length / 3)
  })

  it('that are broken are told', () => {
    expect(wrong('docs/access.md', 'gone.md')).toContain('no such file')
    expect(wrong('docs/access.md', '../README.md#gone')).toContain('no such heading')
    expect(wrong('docs/access.md', '#gone')).toContain('no such heading')
    expect(wrong('docs/access.md', '../../elsewhere.md')).toContain('outside')
    expect(wrong('docs/access.md', '/README.md')).toContain('begins with /')
    expect(wrong('docs/access.md', 'scale.svg#top')).toContain('no headings')
    expect(wrong('docs/access.md', '../README.md#errors')).toBeUndefined()
    expect(wrong('docs/access.md', 'https://example.com/#any')).toBeUndefined()
  })
})

describe('Markdown is read so:', () => {
  it('links are inline, of references, of images and of HTML, but not in code or comments', () => {
    const page = [
      '[a](one.md "title") and ![b](two.svg) and [`c`](<three.md#x>) and [d](four(4).md)',
      '[e][ref]',
      '[ref]: five.md',
      '<a href="six.md">f</a>',
      '`[g](code.md)` <!-- [h](comment.md) -->',
      '```md\n[i](fence.md)\n```',
    ].join('\n')
    expect(linksOf(page)).toEqual(['one.md', 'two.svg', 'three.md#x', 'four(4).md', 'five.md', 'six.md'])
  })

  it.each([
    ['The API in a page', 'the-api-in-a-page'],
    ['`waitForPeers`, and what it waits for', 'waitforpeers-and-what-it-waits-for'],
    ['[0.1.0] - not released yet', '010---not-released-yet'],
    ['*Why* is `a_b` slow?', 'why-is-a_b-slow'],
    ['[Linked](there.md) — naïve & co', 'linked--naïve--co'],
    ['request$(peer)', 'requestpeer'],
  ])('the id of “%s” is %s', (title, id) => {
    expect(anchorsOf(`# ${title}\n`)).toEqual([id])
  })

  it('headings of the same name are numbered, those in code are none, and anchors of HTML count', () => {
    const page = '# A\n\n## B\n\n```sh\n# not me\n```\n\n## B ##\n\nUnderlined\n==========\n\n<a id="mine"></a>\n'
    expect(anchorsOf(page)).toEqual(['a', 'b', 'b-1', 'underlined', 'mine'])
  })
})
