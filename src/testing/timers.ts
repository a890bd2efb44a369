/** What is due, by time, and at the same time in the order in which it was added: a binary heap. */

export interface Timers {
  /** The answer takes it back. */
  readonly add: (at: number, action: () => void) => () => void
  /** When the next is due; undefined when there is none. */
  readonly next: () => number | undefined
  readonly take: () => (() => void) | undefined
}

interface Timer {
  readonly at: number
  readonly order: number
  action: (() => void) | undefined
}

export const make = (): Timers => {
  const heap: Array<Timer> = []
  let count = 0
  let forgotten = 0

  const up = (timer: Timer) => {
    let index = heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(timer, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = timer
  }

  const down = (timer: Timer, from: number) => {
    let index = from
    for (let child = 2 * index + 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, timer)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = timer
  }

  const shift = (): Timer | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) down(last, 0)
    return first
  }

  const clean = () => {
    while (heap.length > 0 && heap[0]!.action === undefined) {
      shift()
      forgotten--
    }
  }

  /** Deadlines are mostly taken back: they must not fill the heap until they would have been due. */
  const compact = () => {
    const rest = heap.filter(({ action }) => action !== undefined)
    heap.length = 0
    forgotten = 0
    for (const timer of rest) up(timer)
  }

  return {
    add: (at, action) => {
      const timer: Timer = { at, order: count++, action }
      up(timer)
      return () => {
        if (timer.action === undefined) return
        timer.action = undefined
        forgotten++
        if (forgotten > 64 && forgotten > heap.length / 2) compact()
      }
    },
    next: () => {
      clean()
      return heap[0]?.at
    },
    take: () => {
      clean()
      const timer = shift()
      const action = timer?.action
      // What has run can no longer be taken back.
      if (timer !== undefined) timer.action = undefined
      return action
    }
  }
}

const isBefore = (one: Timer, other: Timer) => one.at < other.at || (one.at === other.at && one.order < other.order)
