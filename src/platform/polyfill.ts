/** `Promise.withResolvers`, which libp2p uses and Node 20 lacks. To be imported before libp2p; does nothing where it exists. */
type WithResolvers = <T>() => {
  promise: Promise<T>
  resolve: (value: T | PromiseLike<T>) => void
  reject: (reason?: unknown) => void
}

const constructor = Promise as PromiseConstructor & { withResolvers?: WithResolvers }

constructor.withResolvers ??= function withResolvers<T>() {
  let resolve!: (value: T | PromiseLike<T>) => void
  let reject!: (reason?: unknown) => void
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)))
  return { promise, resolve, reject }
}
