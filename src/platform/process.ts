/** The process that a node runs in. */

/** The variables of its environment. Browsers have no `process`. */
export const environment: Readonly<Record<string, string | undefined>> =
  typeof process === 'undefined' ? {} : process.env

/** A warning to the operator, in the way of the platform. `code` names its kind. */
export function emitWarning(text: string, code: string): void {
  process.emitWarning(text, { code })
}
