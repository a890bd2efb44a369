/** A service as others see it who are not where it is: what gives an effect is done there. */
import * as Effect from "effect/Effect"
import type * as nodes from "./nodes.ts"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** `current` is the service in the node's present life, or the last one while it is down: for its shape alone. */
export const make = <S extends object>(
  current: () => S,
  call: (member: string, effect: () => AnyEffect) => AnyEffect
): S =>
  new Proxy(current(), {
    get: (_, key) => {
      const member = String(key)
      const value: unknown = Reflect.get(current(), key)
      if (Effect.isEffect(value)) return call(member, () => Reflect.get(current(), key) as AnyEffect)
      if (typeof value !== "function") return value
      return (...args: ReadonlyArray<unknown>) => {
        const made: unknown = Reflect.apply(value, current(), args)
        if (!Effect.isEffect(made)) return made
        // Made again there: the node may have started anew since.
        const again = () => Reflect.apply(Reflect.get(current(), key) as typeof value, current(), args) as AnyEffect
        return call(`${member}(${args.map(brief).join(", ")})`, again)
      }
    }
  })

/** What a layer has made, in the node's present life or the last one. */
export const ofLife = <ROut, S>(node: nodes.Node<ROut>, get: (life: nodes.Life<ROut>) => S): () => S => {
  let last: S | undefined
  return () => {
    const life = node.life()
    return life?.isBuilt === true ? last = get(life) : last!
  }
}

/** Of a value, what fits into a story. */
export const brief = (value: unknown): string =>
  value === undefined ? "done" : typeof value === "object" && value !== null ? "…" : String(value).slice(0, 60)
