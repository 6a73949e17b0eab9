/**
 * The choice of an encrypter and of a muxer, in words of multistream-select: libp2p reads as many as come, however they are made, all in one
 * turn of the event loop. So what it is given to read is bounded, and so are its answers, of which each proposal has one.
 */
import type { MessageStream } from '@libp2p/interface'
import { MUXER } from '../../defaults.js'
import { hearFirst } from './first.js'
import { Holding } from './holding.js'

export class Words {
  private bytes = 0
  private answers = 0
  private readonly holding: Holding
  private readonly stopHearing: () => void
  private readonly send: MessageStream['send']

  /**
   * To be made before others listen. `tooMany`: it is aborted for that. What is more than a choice needs is kept until `end`: others may have
   * said more ahead.
   */
  constructor(
    private readonly connection: MessageStream,
    private readonly tooMany: () => void,
  ) {
    this.holding = new Holding(connection)
    this.stopHearing = hearFirst(connection, (event) => {
      if (this.holding.keeps(event)) return event.stopImmediatePropagation()
      const { data } = event
      const room = MUXER.choice - this.bytes
      this.bytes += Math.min(room, data.byteLength)
      if (data.byteLength <= room) return
      this.holding.hold([data.subarray(room)], () => undefined)
      if (room === 0) event.stopImmediatePropagation()
      else event.data = data.subarray(0, room)
    })
    this.send = connection.send.bind(connection)
    connection.send = (data) => {
      if (this.answers++ > MUXER.proposals && connection.status === 'open') {
        this.tooMany()
        connection.abort(new Error('no protocol is agreed upon'))
      }
      return this.send(data)
    }
  }

  /** The choice is made. Others listen already, or what was kept waits until they do. */
  end(): void {
    this.stopHearing()
    this.connection.send = this.send
    this.holding.release()
  }
}
