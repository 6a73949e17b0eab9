/** Which licences a dependency may have. */

/** All let anybody use, change and pass on the code for the price of a notice, or for none. */
const PERMISSIVE = [
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'],
  ...['BlueOak-1.0.0', 'CC0-1.0', 'Unlicense', 'Zlib'],
]

/** @param expression of SPDX, such as `(MIT OR GPL-2.0-only) AND ISC`: one side of an OR is enough, an AND needs both. */
export function isPermissive(expression: string): boolean {
  const inner = /\(([^()]*)\)/.exec(expression)
  if (inner !== null) {
    const value = isPermissive(inner[1]!) ? 'MIT' : 'none'
    return isPermissive(expression.replace(inner[0], value))
  }
  const fine = (name: string): boolean => PERMISSIVE.includes(name.trim())
  return expression.split(/ OR /i).some((side) => side.split(/ AND /i).every(fine))
}
