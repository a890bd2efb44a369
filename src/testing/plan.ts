/** What the seed makes of the faults of a run: which take effect, and when. */
import type * as Faults from "./Faults.ts"
import * as Seeded from "./seeded.ts"

/** A fault that takes effect. */
export interface Occurrence<Kind> {
  readonly key: string
  readonly kind: Kind
  /** Of what it draws: from 0, and less than 1. */
  readonly draw: number
}

export interface OnMessage extends Occurrence<Faults.MessageKind> {
  readonly millis: number
}

export interface OnNode extends Occurrence<Faults.NodeKind> {
  readonly node: string
  readonly other: string
  readonly at: number
  readonly millis: number
  readonly step: number
}

export interface Plan {
  /** What becomes of this message. */
  readonly message: (
    link: { readonly from: string; readonly to: string },
    name: string,
    count: number,
    now: number,
    kinds: ReadonlySet<Faults.MessageKind>
  ) => ReadonlyArray<OnMessage>
  /** All that happens to nodes. */
  readonly onNodes: ReadonlyArray<OnNode>
  /** Whether it takes part in this run; it is counted among what did. */
  readonly takes: (key: string) => boolean
  /** The keys of what took part, in the order in which it did. */
  readonly taken: () => ReadonlyArray<string>
}

/** `only` is what may take part; all, when undefined. */
export const make = (
  seed: number,
  faults: ReadonlyArray<Faults.Fault>,
  only: ReadonlySet<string> | undefined
): Plan => {
  const taken = new Set<string>()
  const takes = (key: string) => {
    if (only !== undefined && !only.has(key)) return false
    taken.add(key)
    return true
  }

  const onMessages = faults.flatMap((fault, index) => fault._tag === "MessageFault" ? [{ fault, index }] : [])

  const onNodes = faults.flatMap((fault, index) => {
    if (fault._tag !== "NodeFault") return []
    const { every, kind, millis, node, other, step, until } = fault
    const times = fault.at !== undefined ? [fault.at] : timesOf(seed, index, every!, until)
    return times.map((at, count): OnNode => {
      const key = `${index}.${kind.toLowerCase()}.${node}.${count + 1}`
      return { key, kind, node, other, at, millis, step, draw: Seeded.chance(seed, key) }
    })
  })

  return {
    message: ({ from, to }, name, count, now, kinds) => {
      if (onMessages.length === 0) return none
      return onMessages.flatMap(({ fault, index }) => {
        const { chance, kind, least, link, most, nth } = fault
        if (!kinds.has(kind) || now < fault.from || now >= fault.until) return []
        if (nth !== undefined && nth !== count) return []
        if (!fits(link, from, to)) return []
        const key = `${index}.${kind.toLowerCase()}.${name}.${count}`
        if (chance < 1 && Seeded.chance(seed, key) >= chance) return []
        const draw = Seeded.chance(seed, `${key}.amount`)
        if (!takes(key)) return []
        return [{ key, kind, draw, millis: Math.round(least + draw * (most - least)) }]
      })
    },
    onNodes,
    takes,
    taken: () => [...taken]
  }
}

const none: ReadonlyArray<OnMessage> = []

/** At intervals that are short more often than long, as things go wrong. */
const timesOf = (seed: number, index: number, every: number, until: number): ReadonlyArray<number> => {
  const times: Array<number> = []
  let at = 0
  while (times.length < most) {
    at += Math.round(-Math.log(1 - Seeded.chance(seed, `${index}.times.${times.length}`)) * every)
    if (at >= until) break
    times.push(at)
  }
  return times
}

const most = 10_000

/** `client>server`, with `*` for any on its side, or for both. */
const fits = (link: string, from: string, to: string): boolean => {
  if (link === "*") return true
  const [wantedFrom, wantedTo] = link.split(">")
  return (wantedFrom === "*" || wantedFrom === from) && (wantedTo === undefined || wantedTo === "*" || wantedTo === to)
}
