/**
 * Contracts that belong together, so that their code can be given all at once: the compiler misses a handler that is
 * missing, and one too many.
 */
import * as Effect from "effect/Effect"
import type * as Definition from "./Definition.ts"
import * as Tool from "./Tool.ts"

const TypeId = "~fastmcp-effect/definition/Toolkit"

/** @category models @since 0.1.0 */
export interface Toolkit<out Tools extends ReadonlyArray<Tool.Any>> {
  readonly [TypeId]: typeof TypeId
  /** In the order given; hand them to a client, or into another toolkit. */
  readonly tools: Tools
}

/** @category models @since 0.1.0 */
export interface Any extends Toolkit<ReadonlyArray<Tool.Any>> {}

/** A handler for each tool, by name. @category models @since 0.1.0 */
export type Handlers<Tools extends ReadonlyArray<Tool.Any>> = {
  readonly [T in Tools[number] as T["name"]]: (
    parameters: T["parameters"]["Type"]
  ) => Effect.Effect<T["success"]["Type"], T["failure"]["Type"] | Definition.HandlerError, any>
}

/** The tools with their code: what a server takes. @category models @since 0.1.0 */
export type Handled<Tools extends ReadonlyArray<Tool.Any>, H> = ReadonlyArray<HandledTool<Tools[number], H>>

type HandledTool<T, H> = T extends Tool.Tool<infer Name, infer P, infer S, infer F>
  ? Tool.Handled<Name, P, S, F, Name extends keyof H ? NeedsOf<H[Name]> : never>
  : never

type NeedsOf<Handler> = Handler extends (...args: any) => Effect.Effect<any, any, infer R> ? R : never

/** Makes a handler for no tool an error of the compiler. */
type None<Tools extends ReadonlyArray<Tool.Any>, H> = {
  readonly [K in Exclude<keyof H, Tools[number]["name"]>]: never
}

/** @category constructors @since 0.1.0 */
export const make = <const Tools extends ReadonlyArray<Tool.Any>>(...tools: Tools): Toolkit<Tools> => ({
  [TypeId]: TypeId,
  tools
})

/**
 * Handlers, checked against their tools where they are written: to return them from an effect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = <const Tools extends ReadonlyArray<Tool.Any>, H extends Handlers<Tools>>(
  _toolkit: Toolkit<Tools>,
  handlers: H & None<Tools, H>
): H => handlers

/**
 * Gives each contract its code.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handle = <const Tools extends ReadonlyArray<Tool.Any>, H extends Handlers<Tools>>(
  toolkit: Toolkit<Tools>,
  handlers: H & None<Tools, H>
): Handled<Tools, H> => attach(toolkit, handlers)

/**
 * Gives each contract its code, as an effect makes it: with services it reads once, not at each call.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handleEffect = <const Tools extends ReadonlyArray<Tool.Any>, H extends Handlers<Tools>, E, R>(
  toolkit: Toolkit<Tools>,
  build: Effect.Effect<H & None<Tools, H>, E, R>
): Effect.Effect<Handled<Tools, H>, E, R> => Effect.map(build, (handlers) => attach(toolkit, handlers))

const attach = (toolkit: Any, handlers: any): any => toolkit.tools.map((tool) => Tool.handle(tool, handlers[tool.name]))
