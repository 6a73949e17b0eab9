/** Names that are nearly the same: what a misspelt one was meant to be. */

/** The name that a misspelt one is probably meant to be: at most a third of its letters differ, or `most` of them. */
export function nearest(word: string, names: readonly string[], most = Infinity): string | undefined {
  const distances = names.map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name.toLowerCase()) }))
  const near = distances.filter(
    ({ name, distance }) => distance <= Math.min(most, Math.max(1, Math.floor(name.length / 3))),
  )
  return near.sort((a, b) => a.distance - b.distance)[0]?.name
}

/** The Levenshtein distance: letters to insert, to remove and to replace. It is for short words. */
function distanceOf(a: string, b: string): number {
  // A stranger's text of any length must not cost its square.
  if (Math.abs(a.length - b.length) > b.length) return Infinity
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
