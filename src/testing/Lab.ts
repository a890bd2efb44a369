/**
 * A whole system in one test: servers, clients, proxies, queues and stores as nodes of their own, under one virtual
 * clock that goes on by itself and a scheduler that makes its choices from a seed, with faults between them. The same
 * seed makes the same run, to the byte.
 *
 * What is real does not belong in it: a promise, a socket, a database or a timer of the machine wakes a fiber when the
 * machine likes. A run in which that happens comes to nothing, and names the fiber. Stores are those in memory; what
 * Effect asks of Web Crypto the lab waits for while its clock stands still.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as McpClient from "../client/McpClient.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as LabError from "./LabError.ts"
import * as links from "./links.ts"
import * as nodes from "./nodes.ts"
import * as remote from "./remote.ts"
import * as system from "./system.ts"
import * as World from "./world.ts"

export {
  /**
   * Values for a workload, drawn from the seed.
   */
  draw,
  type Exploration,
  explore,
  type ExploreOptions,
  type Failure,
  LabFailure,
  type Progress,
  replay,
  steps,
  toError
} from "./exploring.ts"
export { Endpoint, httpClient, httpServer } from "./http.ts"
export { link, type Servers } from "./links.ts"
export { type Life, type Node, node, type NodeOptions } from "./nodes.ts"
export { type LabScheduler, makeScheduler, settle, withSeed } from "./scheduling.ts"
export { type Store, store, type StoreOptions } from "./stores.ts"
export { type Sweep, sweep, type SweepOptions, swept } from "./sweeping.ts"
export { Lab, type Options, type Report, type Services } from "./system.ts"

/** A lab with its options, for systems that are run alike. @category models @since 0.1.0 */
export interface Laboratory {
  readonly run: <A, E, R>(
    tested: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LabError.LabError, Exclude<R, system.Services>>
  readonly report: <A, E, R>(
    tested: Effect.Effect<A, E, R>
  ) => Effect.Effect<system.Report<A, E>, never, Exclude<R, system.Services>>
}

/** @category constructors @since 0.1.0 */
export const make = (options: system.Options = {}): Laboratory => ({
  run: (tested) => run(tested, options),
  report: (tested) => report(tested, options)
})

/**
 * Runs a system to its end and tells what came of it. It never fails: how the system ended is in the report.
 *
 * @category running
 * @since 0.1.0
 */
export const report = <A, E, R>(
  tested: Effect.Effect<A, E, R>,
  options?: system.Options
): Effect.Effect<system.Report<A, E>, never, Exclude<R, system.Services>> => system.report(tested, options)

/**
 * Runs a system to its end, and ends as it does.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R>(
  tested: Effect.Effect<A, E, R>,
  options?: system.Options
): Effect.Effect<A, E | LabError.LabError, Exclude<R, system.Services>> =>
  Effect.flatMap(report(tested, options), ({ exit }) => exit)

/**
 * A client on a node of its own, connected to a server of the lab, or by any transport that is made of parts of it. What
 * is asked of it is done on its node, and dies with `Crashed` when that goes down meanwhile.
 *
 * @category nodes
 * @since 0.1.0
 */
export const client = <E = never, R = never>(
  name: string,
  to: links.Servers | Layer.Layer<ClientTransport.ClientTransport, E, R>,
  options: McpClient.Options & nodes.NodeOptions = {}
): Effect.Effect<
  McpClient.Client & { readonly node: nodes.Node<McpClient.McpClient> },
  E | McpClient.CallError | LabError.LabError,
  R | system.Lab | Scope.Scope
> =>
  Effect.gen(function*() {
    const { drift, skew, ...rest } = options
    const transport: Layer.Layer<ClientTransport.ClientTransport, E, R | system.Lab> = isLayer(to) ? to : links.link(to)
    const layer = Layer.provide(McpClient.layer(rest), transport)
    const node = yield* nodes.node(name, layer, {
      ...(drift === undefined ? undefined : { drift }),
      ...(skew === undefined ? undefined : { skew })
    })
    const current = remote.ofLife(node, (life) => Context.get(life.context, McpClient.McpClient))
    const made = remote.make(current, (_, effect) =>
      Effect.catchIf(node.run(Effect.suspend(effect)), isCrash, Effect.die))
    return new Proxy(made, {
      get: (target, key): unknown =>
        key === "node" ? node : Reflect.get(target, key)
    }) as typeof made & { readonly node: typeof node }
  })

const isCrash = (error: unknown): error is LabError.LabError =>
  error instanceof LabError.LabError && error.reason._tag === "Crashed"

const isLayer = <E, R>(
  to: links.Servers | Layer.Layer<ClientTransport.ClientTransport, E, R>
): to is Layer.Layer<ClientTransport.ClientTransport, E, R> => Layer.isLayer(to)

/** Milliseconds since the run began, whatever the clocks of nodes show. @category clock @since 0.1.0 */
export const now: Effect.Effect<number, never, system.Lab> = Effect.map(system.Lab, ({ world }) => world.now())

/** Writes a line into the story. @category systems @since 0.1.0 */
export const note = (what: string): Effect.Effect<void, never, system.Lab> =>
  Effect.flatMap(system.Lab, ({ world }) => Effect.map(system.here, ({ name }) => world.note(name, what)))

/**
 * Names what the effect waits for, in the words of whoever reads why nothing goes on. It costs nothing outside a lab.
 *
 * @category systems
 * @since 0.1.0
 */
export const waiting = (what: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(World.Waiting, (outer) => Effect.provideService(effect, World.Waiting, [...outer, what]))
