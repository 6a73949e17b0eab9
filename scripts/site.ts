/**
 * Makes the documentation a folder of static pages: README, docs/ and the reference of the API, with a search over all of it. Its links are
 * relative, so any server of files has it under any path, and a browser opens it from a disk.
 *
 *   tsx scripts/site.ts [--out site]
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Application,
  Converter,
  KindRouter,
  PageEvent,
  ReflectionKind,
  Slugger,
  type DocumentReflection,
  type ProjectReflection,
  type Reflection,
} from 'typedoc'
import { readArgs, runCommand } from './command-line.js'
import { countCode, type Parser } from './package/heading-code.js'
import { GROUPS, groupOf, pagesOf, titleOf } from './package/pages.js'
import { Slugs } from './package/slug.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const ENTRIES = { index: 'tinyp2p', testing: 'tinyp2p/testing', protocol: 'tinyp2p/protocol' }
const LANGUAGES = [
  ...[
    'bash',
    'css',
    'diff',
    'docker',
    'html',
    'ini',
    'javascript',
    'json',
    'json5',
    'jsonc',
    'jsx',
    'markdown',
    'mermaid',
    'nginx',
  ],
  ...['rust', 'shellscript', 'systemd', 'toml', 'tsx', 'typescript', 'yaml'],
]

/** Page → its path from the root, without `.md`. */
const paths = new Map<Reflection, string>()

class PageSlugger extends Slugger {
  private readonly slugs = new Slugs()

  override slug(text: string): string {
    return this.slugs.next(text)
  }

  override hasAnchor(anchor: string): boolean {
    return this.slugs.has(anchor)
  }
}

/** A page has the path that it has in the repository, and its headings the ids that they have there. */
class PageRouter extends KindRouter {
  override buildPages(project: ProjectReflection): ReturnType<KindRouter['buildPages']> {
    const definitions = super.buildPages(project)
    for (const page of [project, ...paths.keys()]) this.sluggers.set(page, new PageSlugger(this.sluggerConfiguration))
    return definitions
  }

  protected override getIdealBaseName(reflection: Reflection): string {
    const path = paths.get(reflection)
    if (path !== undefined) return path.replace(/^docs\//, '')
    return `api/${super.getIdealBaseName(reflection)}`
  }
}

/** @returns how many warnings there were: links that lead nowhere, languages that nobody can highlight */
async function make(out: string): Promise<number> {
  const pages = pagesOf(root)
  const app = await Application.bootstrap({
    name: 'tinyp2p',
    entryPoints: ['src/index.ts', 'src/testing/index.ts', 'src/protocol/index.ts'].map((path) => resolve(root, path)),
    tsconfig: resolve(root, 'tsconfig.build.json'),
    readme: resolve(root, 'README.md'),
    projectDocuments: pages.map((path) => resolve(root, path)),
    out,
    router: 'pages',
    // `npm run typecheck` says what is wrong with types.
    skipErrorChecking: true,
    disableSources: true,
    disableGit: true,
    sourceLinkTemplate: '',
    hideGenerator: true,
    githubPages: false,
    includeVersion: true,
    includeHierarchySummary: false,
    searchInDocuments: true,
    searchInComments: true,
    markdownItLoader: (parser: Parser) => countCode(parser),
    highlightLanguages: LANGUAGES,
    ignoredHighlightLanguages: ['console', 'dockerignore', 'sh', 'text', 'txt'],
    groupOrder: [...GROUPS, 'Modules', '*'],
    sort: ['documents-first', 'alphabetical-ignoring-documents'],
    navigation: { includeGroups: true, includeCategories: false, includeFolders: false },
    // Types that are not exported are named and not explained: the sentence about what has them does.
    validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
    excludePrivate: true,
    excludeInternal: true,
  })
  app.renderer.defineRouter('pages', PageRouter)
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context: unknown, page: DocumentReflection) => {
    const path = pages[paths.size]!
    paths.set(page, path.replace(/\.md$/, ''))
    page.name = titleOf(root, path)
    page.frontmatter['group'] = groupOf(path)
  })
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }: { project: Reflection & { children?: Reflection[] } }) => {
      for (const module of project.children ?? []) {
        if (module.kindOf(ReflectionKind.Module) && module.name in ENTRIES)
          module.name = ENTRIES[module.name as keyof typeof ENTRIES]
      }
    },
  )
  // Without a server nobody makes `index.html` of a folder.
  app.renderer.on(PageEvent.END, (page: PageEvent) => {
    page.contents = page.contents?.replace(/ href="(\.\/|(?:\.\.\/)+)(#[^"]*)?"/g, ' href="$1index.html$2"')
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('typedoc could not read the sources')
  app.validate(project)
  await app.generateDocs(project, out)
  if (app.logger.hasErrors()) process.exitCode = 1
  return app.logger.warningCount
}

await runCommand('site', async () => {
  const { values } = readArgs({ options: { out: { type: 'string', default: 'site' }, help: { type: 'boolean' } } })
  if (values.help)
    return console.log('npm run site [-- --out <folder>]: makes the documentation a folder of static pages, site/')
  const out = resolve(values.out)
  const warnings = await make(out)
  if (warnings > 0) process.exitCode = 1
})
