/** The notices of the packages inside of a bundle: their licences ask that they go along with copies. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** @param {string[]} inputs of esbuild's metafile, from `root` on */
export function noticesOf(root, inputs) {
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
  const packages = [...new Set(folders)].filter((folder) => folder !== undefined).sort()
  const notices = packages.map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const by = typeof author === 'string' ? author : author?.name
    const texts = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    const lines = texts.map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
    return [`${name} ${version}${by === undefined ? '' : ` (${by})`}: ${license}`, ...lines].join('\n\n')
  })
  return `bundle.cjs has these packages inside.\n\n${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
