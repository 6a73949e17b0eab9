import type { Said } from '../../src/core/terms.js'

/** A line of the log as it is printed. */
export function textOf(said: Said): string {
  return typeof said === 'string' ? said : said.text
}
