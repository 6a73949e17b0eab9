/** Where an option belongs that was written in another place: `requestTimeout` for `reqResp: { requestTimeout }`. */

/** The names of all options. A group of options has a tree of its own. */
export interface OptionTree {
  readonly [name: string]: true | OptionTree
}

/** For the name of an unknown option, what was probably meant, as it is written. */
export type Elsewhere = (name: string) => string[]

export function placesIn(tree: OptionTree): Elsewhere {
  const paths = [...pathsOf(tree)]
  return (name) => paths.filter((path) => isMeant(name, path)).map(written)
}

function* pathsOf(tree: OptionTree, above: string[] = []): Iterable<string[]> {
  for (const [name, inner] of Object.entries(tree)) {
    const path = [...above, name]
    yield path
    if (inner !== true) yield* pathsOf(inner, path)
  }
}

/** By its own name, or with those of its groups before it: `pingInterval`, `historyBytes`. */
function isMeant(name: string, path: string[]): boolean {
  return path.some((_, from) => camelCase(path.slice(from)) === name)
}

function camelCase([first = '', ...others]: string[]): string {
  return first + others.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function written(path: string[]): string {
  if (path.length === 1) return `${path[0]} at the top level`
  return path.reduceRight((inner, name) => `${name}: { ${inner} }`)
}
