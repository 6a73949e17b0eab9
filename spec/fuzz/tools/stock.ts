/** Files inside of stock packages, for readers that they do not export. */

export async function stock<T>(name: string, file: string): Promise<T> {
  return (await import(new URL(file, import.meta.resolve(name)).href)) as T
}
