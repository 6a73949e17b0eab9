/**
 * The network interfaces of this machine: which addresses it has, and which have come and gone. The system lists an interface only while
 * it has a carrier. So one whose cable was out for a second, or that changes the access point, is missing though its addresses are
 * still there.
 */
import { networkInterfaces } from 'node:os'

/** At so many looks an address may be missing, and come back at the next: TCP goes on then. */
export const MISSED_LOOKS = 3

export interface InterfaceAddress {
  readonly address: string
  readonly family: string
  /** Of its interface. */
  readonly name: string
}

/** What is different since the last look. */
export interface Changes {
  /** There is another address with which other networks can be reached, or one less. */
  readonly moved: boolean
  /**
   * Addresses that an earlier look had, and that will not come back. (One that no look has had can be this machine's all the same:
   * a route may lead it here.)
   */
  readonly gone: ReadonlySet<string>
}

/** `undefined`: the system does not tell. */
export function interfaceAddresses(): InterfaceAddress[] | undefined {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.map(({ address, family }) => ({ address, family, name })),
    )
  } catch {
    return undefined
  }
}

export class Interfaces {
  /** Those that were there at an earlier look, and at how many looks since they were missing. */
  private readonly known = new Map<string, { is: InterfaceAddress; missed: number }>()

  constructor(private readonly read = interfaceAddresses) {
    this.look()
  }

  look(): Changes {
    const gone = new Set<string>()
    const all = this.read()
    if (all === undefined) return { moved: false, gone }
    const came = all.map(({ address }) => address).filter((address) => !this.known.has(address))
    for (const is of all) this.known.set(is.address, { is, missed: 0 })
    const there = new Set(all.map(({ address }) => address))
    for (const [address, known] of this.known) {
      if (there.has(address)) continue
      known.missed++
      if (known.missed <= MISSED_LOOKS && !all.some((other) => replaces(other, known.is))) continue
      this.known.delete(address)
      gone.add(address)
    }
    return { moved: [...came, ...gone].some((address) => !isLinkLocal(address)), gone }
  }

  /** It was there at a look, and no later one has said that it is gone. So if it is not there, it may come back. */
  isKnown(address: string): boolean {
    return this.known.has(address)
  }
}

/** The interface works and has another address of that family, so the missing one was taken away from it. */
function replaces(other: InterfaceAddress, { name, family }: InterfaceAddress): boolean {
  return other.name === name && other.family === family && !isLinkLocal(other.address)
}

/** An interface has it as soon as it works, and before it has any other one. */
function isLinkLocal(address: string): boolean {
  return /^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(address)
}
