/**
 * Which servers are mounted in which, as far as they follow each other: a server that came to follow itself would never
 * come to an end. Each server keeps its own part of it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as DefinitionError from "../definition/DefinitionError.ts"

/** A server, to those that are mounted in it and that it is mounted in. */
export interface Node {
  readonly name: string
  /** How often each is mounted in it. */
  readonly below: Map<Node, number>
  readonly above: Map<Node, number>
}

export const makeNode = (name: string): Node => ({ name, below: new Map(), above: new Map() })

/** How many mounts may stand one in the other. */
export const maxDepth = 10

/** The server whose catalogue a provider's fiber fills. */
export const Mounter: Context.Reference<Node | undefined> = Context.Reference<Node | undefined>(
  "fastmcp-effect/server/mounts/Mounter",
  { defaultValue: () => undefined }
)

/** Mounts a server in the one whose catalogue is being filled, for as long as the scope is open. */
export const join = (child: Node): Effect.Effect<void, DefinitionError.DefinitionError, Scope.Scope> =>
  Effect.flatMap(Mounter, (parent) => {
    if (parent === undefined) return Effect.void
    const path = pathBetween(child, parent)
    if (path !== undefined) {
      return Effect.fail(
        DefinitionError.make(new DefinitionError.MountCycle({ path: [parent, ...path].map(({ name }) => name) }))
      )
    }
    const deepest = [...longest(parent, "above").toReversed(), ...longest(child, "below")]
    if (deepest.length > maxDepth + 1) {
      return Effect.fail(
        DefinitionError.make(
          new DefinitionError.MountTooDeep({ path: deepest.map(({ name }) => name), maximum: maxDepth })
        )
      )
    }
    return Effect.acquireRelease(
      Effect.sync(() => {
        count(parent.below, child, 1)
        count(child.above, parent, 1)
      }),
      () =>
        Effect.sync(() => {
          count(parent.below, child, -1)
          count(child.above, parent, -1)
        })
    )
  })

const count = (nodes: Map<Node, number>, node: Node, by: number) => {
  const next = (nodes.get(node) ?? 0) + by
  if (next === 0) nodes.delete(node)
  else nodes.set(node, next)
}

/** From one server down to another, both included. */
const pathBetween = (from: Node, to: Node, seen = new Set<Node>()): ReadonlyArray<Node> | undefined => {
  if (from === to) return [from]
  seen.add(from)
  for (const next of from.below.keys()) {
    const path = seen.has(next) ? undefined : pathBetween(next, to, seen)
    if (path !== undefined) return [from, ...path]
  }
  return undefined
}

const longest = (
  from: Node,
  direction: "above" | "below",
  known = new Map<Node, ReadonlyArray<Node>>()
): ReadonlyArray<Node> => {
  let path = known.get(from)
  if (path === undefined) {
    const paths = Array.from(from[direction].keys(), (next) => longest(next, direction, known))
    path = [from, ...paths.reduce((most, path) => path.length > most.length ? path : most, [])]
    known.set(from, path)
  }
  return path
}
