/** The documentation as a site: each of its links leads somewhere, and it needs no place of its own and nobody else. */
import { mkdtempSync, readFileSync, readdirSync, existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { pagesOf } from '../../scripts/package/pages.js'
import { root } from '../support/packed.js'
import { complaint, tool } from './run.js'

const out = mkdtempSync(join(tmpdir(), 'tinyp2p-site-'))
let said = ''
let pages = new Map<string, string>()

beforeAll(async () => {
  said = await complaint(tool('tsx'), 'scripts/site.ts', '--out', out)
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))
  pages = new Map(names.map((name) => [name, readFileSync(join(out, name), 'utf8')]))
}, 90_000)

afterAll(() => rmSync(out, { recursive: true, force: true }))

const valuesOf = (html: string, attribute: string): string[] =>
  [...html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value!.replaceAll('&amp;', '&'))

describe('the site', () => {
  it('is made without a warning', () => {
    expect(said).toBe('')
  })

  it('has each page of docs/, the README, and the API of every entry point', () => {
    const wanted = pagesOf(root).map((path) => path.replace(/^docs\//, '').replace(/\.md$/, '.html'))
    const modules = ['tinyp2p', 'tinyp2p_testing', 'tinyp2p_protocol'].map((name) => `api/modules/${name}.html`)
    expect([...wanted, 'index.html', ...modules].filter((name) => !pages.has(name))).toEqual([])
    expect(pages.get('api/functions/tinyp2p.createNode.html')).toContain('createNode')
  })

  it('has no link that leads nowhere', () => {
    const ids = new Map([...pages].map(([name, html]) => [name, new Set(valuesOf(html, 'id'))]))
    const broken = [...pages].flatMap(([name, html]) => {
      const local = [...valuesOf(html, 'href'), ...valuesOf(html, 'src')].filter(
        (to) => !/^[a-z][a-z\d+.-]*:/i.test(to),
      )
      return local
        .filter((to) => {
          const [path = '', anchor = ''] = to.split('#').map(decodeURIComponent)
          const file = path === '' ? name : relative(out, join(out, dirname(name), path))
          if (/^\/|\/$/.test(path) || file.startsWith('..') || !existsSync(join(out, file))) return true
          return anchor !== '' && file.endsWith('.html') && !ids.get(file)!.has(anchor)
        })
        .map((to) => `${name}: ${to}`)
    })
    expect([...new Set(broken)]).toEqual([])
  })

  it('loads nothing from elsewhere', () => {
    const loaded = [...pages.values()].flatMap((html) => {
      const tags = [...html.matchAll(/<(?:script|link|img|iframe)\s[^>]*>/g)].map(([tag]) => tag)
      return tags.flatMap((tag) => [...valuesOf(tag, 'src'), ...valuesOf(tag, 'href')])
    })
    expect(loaded.length).toBeGreaterThan(100)
    expect([...new Set(loaded)].filter((to) => /^([a-z]+:|\/)/i.test(to))).toEqual([])
  })

  it('can be searched, pages too', () => {
    expect(readFileSync(join(out, 'assets', 'search.js'), 'utf8').length).toBeGreaterThan(100_000)
  })
})
