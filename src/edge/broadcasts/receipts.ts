/** Receipts of broadcasts, on their way to the callers that asked for them. They are kept for subscribers that come late. */
import { ReplaySubject, type Observable } from 'rxjs'
import type { AskId } from '../../core/terms.js'

/** Says that a peer has got a broadcast, and that its validator, if it has one, has accepted it. */
export interface Receipt {
  /** The peer's id. */
  peer: string
  /** Milliseconds from when the broadcast was handed to the network until its receipt came. */
  rtt: number
}

export class Receipts {
  private readonly receipts = new Map<AskId, ReplaySubject<Receipt>>()

  /** The receipts of the broadcast that this question is about. */
  of(ask: AskId): Observable<Receipt> {
    const receipts$ = new ReplaySubject<Receipt>()
    this.receipts.set(ask, receipts$)
    return receipts$.asObservable()
  }

  onReceipt(ask: AskId, receipt: Receipt): void {
    this.receipts.get(ask)?.next(receipt)
  }

  /** No receipt follows; also when the broadcast itself failed. */
  onEnded(ask: AskId): void {
    const receipts$ = this.receipts.get(ask)
    this.receipts.delete(ask)
    receipts$?.complete()
  }

  end(): void {
    for (const ask of [...this.receipts.keys()]) this.onEnded(ask)
  }
}
