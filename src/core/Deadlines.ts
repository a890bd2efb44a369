/**
 * Watches any number of deadlines with one sleeping fiber.
 *
 * A timer and a fiber per request would cost more than most requests; here a request adds an entry when it starts and
 * removes it when it ends, both synchronously. Entries that come in time order, as they do when everybody has the same
 * timeout or one of a few, are appended to linked lists; stragglers go to a heap. Removing takes an entry out at once,
 * so memory follows what is pending. `Budget.enforce` is for a single effect.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberHandle from "effect/FiberHandle"
import type * as Scope from "effect/Scope"

/**
 * A deadline that was added, to be handed to `remove`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** Epoch milliseconds on the Effect `Clock`. */
  readonly at: number
}

/**
 * The deadlines of one server or client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Deadlines {
  /**
   * Calls `onDue` once the clock shows `at`, never before `add` has returned. A time that is past (or `NaN`) is due at
   * once, `Infinity` never.
   */
  readonly add: (at: number, onDue: () => void) => Entry
  /** Calls off an entry of these deadlines; one that was due or removed already is left alone. */
  readonly remove: (entry: Entry) => void
  /** How many entries are pending. */
  readonly size: () => number
}

// Pending in a lane: `prev` and `next` are set. Pending in the heap: `index` is not -1. `onDue` goes when it is settled,
// so that an entry somebody keeps does not keep the request as well.
class Node implements Entry {
  readonly at: number
  onDue: (() => void) | undefined
  prev: Node | undefined = undefined
  next: Node | undefined = undefined
  index = -1

  constructor(at: number, onDue: (() => void) | undefined) {
    this.at = at
    this.onDue = onDue
  }
}

// A lane is a ring in time order; its header is earlier than any entry, so an empty lane takes every entry.
const makeLane = (): Node => {
  const header = new Node(-Infinity, undefined)
  header.prev = header
  header.next = header
  return header
}

// As many distinct timeouts stay O(1); whatever fits in no lane costs O(log n).
const maxLanes = 8

class Impl implements Deadlines {
  private readonly firstLane: Node = makeLane()
  private readonly lanes: Array<Node> = [this.firstLane]
  private readonly heap: Array<Node> = []
  private readonly clock: Clock.Clock
  private readonly start: (watcher: Effect.Effect<void>) => void
  private pending = 0
  // Until when the watcher sleeps: Infinity when there is none, -Infinity while it is awake and will look by itself.
  private wakeAt = Infinity

  constructor(clock: Clock.Clock, start: (watcher: Effect.Effect<void>) => void) {
    this.clock = clock
    this.start = start
  }

  readonly size = (): number => this.pending

  readonly add = (at: number, onDue: () => void): Entry => {
    // Compared with anything, NaN would break the order.
    if (at !== at) return this.add(-Infinity, onDue)
    const node = new Node(at, onDue)
    const tail = this.firstLane.prev!
    if (at >= tail.at) append(node, this.firstLane, tail)
    else this.addOutOfOrder(node)
    this.pending++
    if (at < this.wakeAt) this.start(this.watch)
    return node
  }

  private addOutOfOrder(node: Node): void {
    for (let i = 1; i < this.lanes.length; i++) {
      const lane = this.lanes[i]!
      if (node.at >= lane.prev!.at) return append(node, lane, lane.prev!)
    }
    if (this.lanes.length < maxLanes) {
      const lane = makeLane()
      this.lanes.push(lane)
      return append(node, lane, lane)
    }
    heapPush(this.heap, node)
  }

  readonly remove = (entry: Entry): void => {
    const node = entry as Node
    node.onDue = undefined
    this.unlink(node)
  }

  private unlink(node: Node): void {
    const { next, prev } = node
    if (next !== undefined && prev !== undefined) {
      prev.next = next
      next.prev = prev
      node.prev = node.next = undefined
      this.pending--
    } else if (node.index >= 0) {
      heapRemove(this.heap, node)
      this.pending--
    }
  }

  private earliest(): Node | undefined {
    let earliest = this.heap[0]
    for (const lane of this.lanes) {
      const head = lane.next!
      if (head !== lane && (earliest === undefined || head.at < earliest.at)) earliest = head
    }
    return earliest
  }

  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    const next = this.earliest()?.at ?? Infinity
    this.wakeAt = next
    if (next === Infinity) return Effect.void
    const wait = next - this.clock.currentTimeMillisUnsafe()
    return Effect.flatMap(wait > 0 ? this.clock.sleep(Duration.millis(wait)) : Effect.yieldNow, () => this.fire)
  })

  private readonly fire: Effect.Effect<void> = Effect.suspend(() => {
    this.wakeAt = -Infinity
    const now = this.clock.currentTimeMillisUnsafe()
    // Taken out before any of them runs: what they add waits for the next round, even if it is due already.
    const due: Array<Node> = []
    for (let node = this.earliest(); node !== undefined && node.at <= now; node = this.earliest()) {
      this.unlink(node)
      due.push(node)
    }
    let defects: Cause.Cause<never> = Cause.empty
    for (const node of due) {
      const onDue = node.onDue
      node.onDue = undefined
      try {
        onDue?.()
      } catch (defect) {
        defects = Cause.combine(defects, Cause.die(defect))
      }
    }
    return defects.reasons.length === 0
      ? this.watch
      : Effect.andThen(Effect.logError("The action of a deadline threw", defects), this.watch)
  })
}

/**
 * Starts watching; the watcher goes with the scope, and from then on nothing is due any more.
 *
 * **Details**
 *
 * Nothing sleeps while nothing is pending, except that removing an entry leaves the watcher asleep until that entry's
 * time. An action that throws is logged, and the others run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Deadlines, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const start = yield* FiberHandle.makeRuntime<never, never, void>()
  return new Impl(clock, start)
})

/**
 * What the effect comes to, in a fiber of its own, or what `orElse` does where that takes longer. It is then interrupted,
 * and its end is not waited for. Costs less than a timeout with a timer of its own.
 *
 * @category combinators
 * @since 0.1.0
 */
export const timeoutOrElse = <A, E, R, A2, E2>(
  effect: Effect.Effect<A, E, R>,
  { deadlines, duration, orElse }: {
    readonly deadlines: Deadlines
    readonly duration: Duration.Duration
    readonly orElse: () => Effect.Effect<A2, E2>
  }
): Effect.Effect<A | A2, E | E2, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.clockWith((clock) =>
      Effect.callback<A | A2, E | E2>((resume) => {
        const fiber = Effect.runForkWith(context)(effect)
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) return resume(exit)
        const entry = deadlines.add(clock.currentTimeMillisUnsafe() + Duration.toMillis(duration), () => {
          resume(Effect.suspend(orElse))
          fiber.interruptUnsafe()
        })
        fiber.addObserver((exit) => {
          deadlines.remove(entry)
          resume(exit)
        })
        return Effect.suspend(() => {
          deadlines.remove(entry)
          return Fiber.interrupt(fiber)
        })
      })
    )
  )

// ----------------------------------------------------------------------------
// lanes and the heap
// ----------------------------------------------------------------------------

const append = (node: Node, lane: Node, tail: Node): void => {
  node.prev = tail
  node.next = lane
  tail.next = node
  lane.prev = node
}

const place = (heap: Array<Node>, node: Node, index: number): void => {
  heap[index] = node
  node.index = index
}

const siftUp = (heap: Array<Node>, node: Node, from: number): number => {
  let index = from
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]!
    if (parent.at <= node.at) break
    place(heap, parent, index)
    index = parentIndex
  }
  place(heap, node, index)
  return index
}

const siftDown = (heap: Array<Node>, node: Node, from: number): void => {
  let index = from
  for (;;) {
    const left = 2 * index + 1
    if (left >= heap.length) break
    const right = left + 1
    const childIndex = right < heap.length && heap[right]!.at < heap[left]!.at ? right : left
    const child = heap[childIndex]!
    if (child.at >= node.at) break
    place(heap, child, index)
    index = childIndex
  }
  place(heap, node, index)
}

const heapPush = (heap: Array<Node>, node: Node): void => {
  heap.push(node)
  siftUp(heap, node, heap.length - 1)
}

const heapRemove = (heap: Array<Node>, node: Node): void => {
  const index = node.index
  node.index = -1
  const last = heap.pop()!
  if (last === node) return
  if (siftUp(heap, last, index) === index) siftDown(heap, last, index)
}
