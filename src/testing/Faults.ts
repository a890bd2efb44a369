/**
 * What goes wrong in a run of a `Lab`, as data. A fault says what happens, where, and when or how often; the seed makes
 * of it what happens in one run. Each time one takes effect it has a key, by which a run can be repeated with those
 * alone that matter.
 */
import * as Duration from "effect/Duration"

/** Which messages. All, when everything is left out. @category models @since 0.1.0 */
export interface Which {
  /**
   * `from>to`, by the names of nodes, in the direction of the message; `*` stands for any on its side: `client>server`,
   * `*>store`. All links when left out.
   */
  readonly link?: string
  /** How likely each is hit: from 0 to 1. 1 when left out. */
  readonly chance?: number
  /** That message of the link alone, counted from 1. */
  readonly nth?: number
  /** Not before this time of the run. */
  readonly from?: Duration.Input
  /** Not at this time of the run or later. */
  readonly until?: Duration.Input
}

/** When something happens to a node: once, or again and again. @category models @since 0.1.0 */
export type When =
  | { readonly at: Duration.Input }
  /** As often as that on average, in irregular intervals, until `until`. */
  | { readonly every: Duration.Input; readonly until: Duration.Input }

/** What can become of a message. @category models @since 0.1.0 */
export type MessageKind =
  | "Delay"
  | "Drop"
  | "Duplicate"
  | "Reorder"
  | "Cut"
  | "Stall"
  | "Corrupt"
  | "HalfClose"
  | "Fail"
  | "Unanswered"

/** Of messages on links, and of calls to stores. @category models @since 0.1.0 */
export interface MessageFault {
  readonly _tag: "MessageFault"
  readonly kind: MessageKind
  readonly link: string
  readonly chance: number
  readonly nth: number | undefined
  readonly from: number
  readonly until: number
  /** Milliseconds of a delay, a reordering or a stall; drawn between the two. */
  readonly least: number
  readonly most: number
}

/** What can become of a node. @category models @since 0.1.0 */
export type NodeKind = "Crash" | "Freeze" | "Slow" | "Partition"

/** @category models @since 0.1.0 */
export interface NodeFault {
  readonly _tag: "NodeFault"
  readonly kind: NodeKind
  readonly node: string
  /** Of a partition, the other side. */
  readonly other: string
  readonly at: number | undefined
  readonly every: number | undefined
  readonly until: number
  /** How long it lasts; for good where it is `Infinity`. */
  readonly millis: number
  /** Of a slow node, how long each step takes. */
  readonly step: number
}

/** @category models @since 0.1.0 */
export type Fault = MessageFault | NodeFault

const millisOf = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))

const onMessages = (
  kind: MessageKind,
  { chance = 1, from = 0, link = "*", nth, until = Infinity }: Which,
  least: Duration.Input = 0,
  most: Duration.Input = least
): Fault => ({
  _tag: "MessageFault",
  kind,
  link,
  chance,
  nth,
  from: millisOf(from),
  until: millisOf(until),
  least: millisOf(least),
  most: millisOf(most)
})

// ----------------------------------------------------------------------------
// links
// ----------------------------------------------------------------------------

/** A message takes longer, and those behind it wait for it. @category links @since 0.1.0 */
export const delay = (
  which: Which & { readonly min?: Duration.Input; readonly max: Duration.Input }
): Fault => onMessages("Delay", which, which.min ?? 0, which.max)

/** A message never arrives, and nobody is told. @category links @since 0.1.0 */
export const drop = (which: Which = {}): Fault => onMessages("Drop", which)

/** A message arrives twice. @category links @since 0.1.0 */
export const duplicate = (which: Which = {}): Fault => onMessages("Duplicate", which)

/** A message takes longer, and those behind it overtake it. @category links @since 0.1.0 */
export const reorder = (which: Which & { readonly by?: Duration.Input } = {}): Fault =>
  onMessages("Reorder", which, 1, which.by ?? "1 second")

/** The connection breaks when the message would have arrived, and both sides are told. @category links @since 0.1.0 */
export const cut = (which: Which = {}): Fault => onMessages("Cut", which)

/** A message and all behind it wait that long. @category links @since 0.1.0 */
export const stall = (which: Which & { readonly for: Duration.Input }): Fault => onMessages("Stall", which, which.for)

/** A message arrives with a character changed. @category links @since 0.1.0 */
export const corrupt = (which: Which = {}): Fault => onMessages("Corrupt", which)

/**
 * The connection is over for the side that would have got the message, and the other does not know. @category links
 * @since 0.1.0
 */
export const halfClose = (which: Which = {}): Fault => onMessages("HalfClose", which)

// ----------------------------------------------------------------------------
// stores
// ----------------------------------------------------------------------------

/** A call of a store fails and is not done; `link` is `node>store`. @category stores @since 0.1.0 */
export const fail = (which: Which = {}): Fault => onMessages("Fail", which)

/** A call of a store is done, and fails for its caller. @category stores @since 0.1.0 */
export const loseAnswer = (which: Which = {}): Fault => onMessages("Unanswered", which)

// ----------------------------------------------------------------------------
// nodes
// ----------------------------------------------------------------------------

const onNode = (kind: NodeKind, node: string, when: When, more: Partial<NodeFault>): Fault => ({
  _tag: "NodeFault",
  kind,
  node,
  other: "*",
  at: "at" in when ? millisOf(when.at) : undefined,
  every: "every" in when ? millisOf(when.every) : undefined,
  until: "until" in when ? millisOf(when.until) : Infinity,
  millis: Infinity,
  step: 0,
  ...more
})

/**
 * The node is gone with all it had in its memory, no finalizer runs, and whoever is connected to it is told. It starts
 * anew after `restartAfter`; for good it stays down when that is left out.
 *
 * @category nodes
 * @since 0.1.0
 */
export const crash = (node: string, when: When & { readonly restartAfter?: Duration.Input }): Fault =>
  onNode("Crash", node, when, { millis: millisOf(when.restartAfter ?? Duration.infinity) })

/** Crashes and starts anew at once. @category nodes @since 0.1.0 */
export const restart = (node: string, when: When): Fault => crash(node, { ...when, restartAfter: 0 })

/** The node does nothing for that long, and then goes on as if nothing had been. @category nodes @since 0.1.0 */
export const freeze = (node: string, when: When & { readonly for: Duration.Input }): Fault =>
  onNode("Freeze", node, when, { millis: millisOf(when.for) })

/** Each step of the node takes that long, one after the other. @category nodes @since 0.1.0 */
export const slow = (
  node: string,
  when: When & { readonly for: Duration.Input; readonly step: Duration.Input }
): Fault => onNode("Slow", node, when, { millis: millisOf(when.for), step: millisOf(when.step) })

/** Nothing passes between the two, either way, and nobody is told. `*` is every node. @category nodes @since 0.1.0 */
export const partition = (
  one: string,
  other: string,
  when: When & { readonly for: Duration.Input }
): Fault => onNode("Partition", one, when, { other, millis: millisOf(when.for) })
