/**
 * Definitions with something else around their code. What a copy says of itself is for `amend` of its kind.
 */
import type * as Effect from "effect/Effect"
import * as RequestContext from "../../context/RequestContext.ts"
import type * as DefinitionError from "../../definition/DefinitionError.ts"
import * as Prompt from "../../definition/Prompt.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as Tool from "../../definition/Tool.ts"

/** One that is refused with this error when it is registered. */
export const broken = <D extends Provider.AnyDefinition>(
  definition: D,
  error: DefinitionError.DefinitionError
): D => ({
  ...definition,
  // Asked for when there is no other; so every kind comes upon the error where it is described.
  mimeType: undefined,
  wire: () => {
    throw error
  }
})

/** A tool whose calls `around` answers, with what would have answered them. */
export const answered = (
  tool: Tool.AnyHandled,
  around: (respond: Tool.Relayed<any>) => Tool.Relayed<any>
): Tool.AnyHandled => ({
  ...tool,
  relayed: around((input, options) => Tool.respond(tool as Tool.Handled<string, any, any, any, any>, input, options))
})

/** The same definition, whose code knows what stands beside it by these names. */
export const withNames = <D extends Provider.AnyDefinition>(definition: D, names: RequestContext.Names): D => {
  const within = <A, E, R>(effect: Effect.Effect<A, E, R>) => RequestContext.withNames(effect, names)
  if (Tool.isHandled(definition)) {
    const { handler, relayed } = definition
    return {
      ...definition,
      handler: (parameters) => within(handler(parameters)),
      relayed: relayed && ((input, options) => within(relayed(input, options)))
    }
  }
  if (Resource.isHandled(definition)) {
    const { handler, relayed } = definition
    return {
      ...definition,
      handler: within(handler),
      relayed: relayed && { ...relayed, read: (uri) => within(relayed.read(uri)) }
    }
  }
  if (ResourceTemplate.isHandled(definition)) {
    const { handler, relayed } = definition
    return {
      ...definition,
      handler: (parameters) => within(handler(parameters)),
      relayed: relayed && { ...relayed, read: (uri) => within(relayed.read(uri)) }
    }
  }
  if (Prompt.isHandled(definition)) {
    const { handler, relayed } = definition
    return {
      ...definition,
      handler: (arguments_) => within(handler(arguments_)),
      relayed: relayed && { ...relayed, get: (arguments_) => within(relayed.get(arguments_)) }
    }
  }
  return definition
}
