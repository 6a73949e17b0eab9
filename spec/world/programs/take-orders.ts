/** The side of a program that takes orders (../orders.ts): each is a line of JSON, and so is its answer. It ends with its input. */
import { createInterface } from 'node:readline'

export function takeOrders<Order extends { id: number }>(obey: (order: Order) => Promise<unknown>): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const order = JSON.parse(line) as Order
      const answer = (rest: object) => console.log(JSON.stringify({ event: 'answer', id: order.id, ...rest }))
      obey(order).then(
        (value) => answer({ value }),
        (error: Error) => answer({ refused: error.message }),
      )
    })
    .on('close', () => process.exit())
}
