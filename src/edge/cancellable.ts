/**
 * Work of users' code that may lose its purpose. Its signal is made when somebody looks: a controller for each request would
 * halve the rate. (A base class, because an object more for each request would be felt too.)
 */
export class Cancellable {
  /** Why nobody waits for it any more. */
  protected cancelled: string | undefined
  private controller: AbortController | undefined

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancelled !== undefined) this.controller.abort(new Error(this.cancelled))
    }
    return this.controller.signal
  }

  cancel(reason: string): void {
    this.cancelled = reason
    this.controller?.abort(new Error(reason))
  }
}
