/** The ids of headings, as GitHub makes them: the site has the same, so that a link is right in both. */

/** The second heading of a name ends in `-1`. */
export class Slugs {
  private readonly seen = new Map<string, number>()

  /** @param text without markup: letters, digits, `_` and `-` of it are kept, in lower case, and blanks become `-` */
  next(text: string): string {
    const kept = text
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    const slug = kept.replaceAll(' ', '-')
    const count = this.seen.get(slug) ?? 0
    this.seen.set(slug, count + 1)
    if (count === 0) return slug
    const numbered = `${slug}-${count}`
    this.seen.set(numbered, 1)
    return numbered
  }

  has(slug: string): boolean {
    return this.seen.has(slug)
  }
}
