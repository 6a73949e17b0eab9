/** A process that takes orders as lines of JSON, `{ id, do, … }`, and answers each with `{ event: 'answer', id, value | refused }`. */
import { LineProcess } from '../support/line-process.js'

export class Orders extends LineProcess {
  private last = 0

  /** @throws when it refuses, ends or takes longer than `within` ms */
  async ask(what: string, args: object = {}, within?: number): Promise<unknown> {
    const id = ++this.last
    this.send({ id, do: what, ...args })
    const { refused, value } = await this.waitFor('answer', (answer) => answer.id === id, within)
    if (refused !== undefined) throw new Error(`${what}: ${refused as string}`)
    return value
  }
}
