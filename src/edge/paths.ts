/** Paths of the file system, as options name them. */
import { P2pError } from '../errors.js'
import { reading, show } from './checks.js'

/** A path that is not empty. One that only a shell or a browser would understand would name another place. @throws `InvalidConfig` */
export function checkPath(path: unknown, option: string, what: string): string {
  const wrong = (why: string): P2pError =>
    new P2pError('InvalidConfig', `${option} must be ${what}, not ${show(path)}${why}`)
  if (typeof path === 'object' && reading(option, () => path instanceof URL))
    throw wrong(': pass fileURLToPath(url), of node:url')
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw wrong('')
  if (/^file:/i.test(path)) {
    const meant = path.replace(/^file:(\/\/)?/i, '')
    throw wrong(`, which is a URL${isPath(meant) ? `: pass ${show(meant)}` : ''}`)
  }
  if (/^(~|\$\{?\w+\}?)($|[/\\])/.test(path))
    throw wrong(', which only a shell understands: pass join(homedir(), …), or ./ before it')
  return path
}

function isPath(text: string): boolean {
  try {
    checkPath(text, '', '')
    return true
  } catch {
    return false
  }
}
