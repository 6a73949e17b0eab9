/** Receipts of broadcasts, on their way to whoever asked for them. They are kept, so that no subscriber comes too late. */
import { ReplaySubject, type Observable } from 'rxjs'
import type { AskId } from '../../core/terms.js'

/** A peer has heard a broadcast, and its validator, if it has one, took it. */
export interface Receipt {
  /** Its peer id. */
  peer: string
  /** From the moment when the broadcast was handed to the network, ms. */
  rtt: number
}

export class Receipts {
  private readonly open = new Map<AskId, ReplaySubject<Receipt>>()

  /** Those of the broadcast that this question is about. */
  of(ask: AskId): Observable<Receipt> {
    const receipts$ = new ReplaySubject<Receipt>()
    this.open.set(ask, receipts$)
    return receipts$.asObservable()
  }

  onReceipt(ask: AskId, receipt: Receipt): void {
    this.open.get(ask)?.next(receipt)
  }

  /** No receipt follows; also when the broadcast itself failed. */
  onEnded(ask: AskId): void {
    const receipts$ = this.open.get(ask)
    this.open.delete(ask)
    receipts$?.complete()
  }

  end(): void {
    for (const ask of [...this.open.keys()]) this.onEnded(ask)
  }
}
