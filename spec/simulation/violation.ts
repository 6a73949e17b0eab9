/** What a run is found guilty of. The first part of the message is the invariant's name; shrinking goes by it. */
export class Violation extends Error {
  constructor(
    readonly invariant: string,
    readonly detail: string,
    /** Virtual ms. */
    readonly time: number,
  ) {
    super(`${invariant}: ${detail} (at ${time} ms)`)
  }
}
