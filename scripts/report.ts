/**
 * Writes docs/api/<entry>.api.md: the public API of each entry point as its users' compilers see it, so that a change of it is seen in
 * review. Types that are not exported and that exported ones need are in the report of the main entry point too; in the others each is
 * named in a warning.
 *
 *   tsx scripts/report.ts [--check]
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import ts from 'typescript'
import { runCommand } from './command-line.js'
import { keep } from './package/keep.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const ENTRIES = { index: 'index.d.ts', testing: 'testing/index.d.ts', protocol: 'protocol/index.d.ts' }

/** The declarations, as the build writes them. @throws Error that has what the compiler says */
function declare(folder: string): void {
  const file = join(root, 'tsconfig.build.json')
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: unknown }
  const options = {
    outDir: join(folder, 'dist'),
    emitDeclarationOnly: true,
    sourceMap: false,
    inlineSources: false,
    noCheck: true,
  }
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root, options, file)
  const program = ts.createProgram(parsed.fileNames, parsed.options)
  const { emitSkipped, diagnostics } = program.emit()
  if (!emitSkipped) return
  throw new Error(ts.formatDiagnostics(diagnostics, { ...ts.sys, getCanonicalFileName: (name) => name, getNewLine: () => '\n', getCurrentDirectory: () => root })) // prettier-ignore
}

/** @throws Error with what the extractor says */
function reportOf(name: keyof typeof ENTRIES, folder: string): string {
  const quiet = { default: { logLevel: ExtractorLogLevel.None } }
  const { compilerOptions } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path))
    .config as {
    compilerOptions: object
  }
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, 'dist', ENTRIES[name]),
      compiler: { overrideTsconfig: { compilerOptions: { ...compilerOptions, paths: {} }, include: ['dist'] } },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(folder, 'api'),
        reportTempFolder: join(folder, 'temp'),
        includeForgottenExports: name === 'index',
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        tsdocMessageReporting: quiet,
        extractorMessageReporting: {
          ...quiet,
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.None, addToApiReportFile: name !== 'index' },
        },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
  const said: string[] = []
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) said.push(message.text)
      message.handled = true
    },
  })
  if (said.length > 0) throw new Error(said.join('\n'))
  const [, body] = readFileSync(join(folder, 'api', `${name}.api.md`), 'utf8').split('```ts\n')
  // Where a declaration stands in a file is no part of the API.
  const lasting = body!
    .replace(/(\.d\.ts):\d+:\d+ - /g, '$1: ')
    .replace('// (No @packageDocumentation comment for this package)\n\n', '')
  const entry = name === 'index' ? 'tinyp2p' : `tinyp2p/${name}`
  return `# The API of \`${entry}\`\n\nWritten by \`npm run report\`; \`npm run test:package\` compares.\n\n\`\`\`ts\n${lasting}`
}

await runCommand('report', async () => {
  await keep({
    command: 'report',
    help: 'npm run report [-- --check]: writes the API of each entry point into docs/api/, or says whether it is up to date',
    make: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-report-'))
      try {
        mkdirSync(join(folder, 'api'))
        cpSync(join(root, 'package.json'), join(folder, 'package.json'))
        symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
        declare(folder)
        const names = Object.keys(ENTRIES) as (keyof typeof ENTRIES)[]
        return new Map(names.map((name) => [`docs/api/${name}.api.md`, reportOf(name, folder)]))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  })
})
