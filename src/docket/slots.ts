/** How many handlers run at a time, and whether it is worth while to claim work before one of them has ended. */

/** Slots of a worker; who waits for one gets it in turn. */
export class Slots {
  private free: number
  private readonly waiting = new Set<() => void>()

  constructor(size: number) {
    this.free = size
  }

  takeIfFree(): boolean {
    if (this.free === 0) return false
    this.free--
    return true
  }

  take(onTaken: () => void): () => void {
    if (this.takeIfFree()) onTaken()
    else this.waiting.add(onTaken)
    return () => void this.waiting.delete(onTaken)
  }

  release(): void {
    for (const onTaken of this.waiting) {
      this.waiting.delete(onTaken)
      return onTaken()
    }
    this.free++
  }
}

/** A slot for one run, which it is in or may come to be in. */
export class Place {
  private readonly slots: Slots
  isIn = false

  constructor(slots: Slots) {
    this.slots = slots
  }

  enterIfFree(): boolean {
    this.isIn = this.slots.takeIfFree()
    return this.isIn
  }

  /** Calls when it is in, at once perhaps; what it gives takes the wish back. */
  enter(onIn: () => void): () => void {
    return this.slots.take(() => {
      this.isIn = true
      onIn()
    })
  }

  leave(): void {
    if (!this.isIn) return
    this.isIn = false
    this.slots.release()
  }
}

/**
 * How long handlers take of late. Where that is short, the time to find and claim the next ones would be a good part of
 * it; where it is long, what is claimed ahead would wait here while another worker is idle.
 */
export class Pace {
  private millis = slow

  handled(millis: number): void {
    this.millis += (Math.max(millis, 0) - this.millis) / remembered
  }

  /** Something was claimed ahead for nothing. */
  wasInVain(): void {
    this.millis = slow
  }

  isShort(): boolean {
    return this.millis < short
  }
}

/** Milliseconds. */
const slow = 1000

const short = 50

/** Handlers. */
const remembered = 16

/** How long what was claimed ahead waits for a slot before it is given back, in milliseconds. */
export const patience = 200
