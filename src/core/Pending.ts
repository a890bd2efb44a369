/**
 * Collections for what comes and goes by the thousand: requests in flight, the fibers that work for them.
 *
 * A `Map` or a `Set` of JavaScript is wrong for those. V8 gives one that is added to and deleted from a new table now and
 * then, and chains the old tables to the new; once the first has grown old, whatever any of them held stays in memory
 * until the next full collection, which makes each of the small ones in between expensive. What leaves these is let go of
 * at once.
 *
 * @since 0.1.0
 */

/** Where a value stands, for as long as it does. */
interface Slot<V> {
  value: V | undefined
}

/**
 * A `Map` whose values leave soon. Keys are texts and numbers: those it may keep a while.
 *
 * @category models
 * @since 0.1.0
 */
export class Keyed<K extends string | number, V extends object> {
  private readonly slots = new Map<K, Slot<V>>()

  get size(): number {
    return this.slots.size
  }

  has(key: K): boolean {
    return this.slots.has(key)
  }

  get(key: K): V | undefined {
    return this.slots.get(key)?.value
  }

  set(key: K, value: V): void {
    this.take(key)
    this.slots.set(key, { value })
  }

  /** What stood there, and no longer does. */
  take(key: K): V | undefined {
    const slot = this.slots.get(key)
    if (slot === undefined) return undefined
    const { value } = slot
    slot.value = undefined
    this.slots.delete(key)
    return value
  }

  /** As they are now, oldest first: whoever goes through them may take them. */
  values(): ReadonlyArray<V> {
    return Array.from(this.slots.values(), ({ value }) => value!)
  }
}

/**
 * Takes its value out of the collection; a second call does nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Leave = () => void

/**
 * A `Set` whose values leave soon. Each is in it as often as it was added.
 *
 * @category models
 * @since 0.1.0
 */
export class Unkeyed<V extends object> {
  private readonly slots = new Set<Slot<V>>()

  get size(): number {
    return this.slots.size
  }

  add(value: V): Leave {
    const slot: Slot<V> = { value }
    this.slots.add(slot)
    return () => {
      slot.value = undefined
      this.slots.delete(slot)
    }
  }

  /** As they are now, oldest first: whoever goes through them may make them leave. */
  values(): ReadonlyArray<V> {
    return Array.from(this.slots, ({ value }) => value!)
  }
}
