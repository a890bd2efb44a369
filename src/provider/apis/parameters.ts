/**
 * The arguments of a tool made of the places in which an API takes them: the fields of a struct or a class are
 * parameters by themselves, and anything else is one parameter that is called like its place.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as Tool from "../../definition/Tool.ts"

export type Place = "params" | "query" | "headers" | "payload"

export interface Part {
  readonly place: Place
  readonly schema: Schema.Top
}

/** What an API is called with, decoded. */
export type Request = { readonly [P in Place]?: unknown }

interface Slot extends Part {
  /** Of a struct or a class: its keys, and the parameters they are. */
  readonly keys: ReadonlyArray<readonly [key: string, name: string]> | undefined
  readonly name: string
}

interface Values {
  readonly [name: string]: unknown
}

/**
 * A parameter that a place before it has already is told apart by its own: `payload_id` beside the `id` of the path.
 * The type is a `Request`.
 */
export const make = (parts: ReadonlyArray<Part>): Tool.Codec => {
  const fields = new Map<string, Schema.Constraint>()
  const add = (place: Place, key: string, schema: Schema.Constraint): string => {
    let name = key
    while (fields.has(name)) name = `${place}_${name}`
    fields.set(name, schema)
    return name
  }
  const slots = parts.map(({ place, schema }): Slot => {
    const own = fieldsOf(schema)
    return own === undefined
      ? { place, schema, keys: undefined, name: add(place, place, schema) }
      : {
        place,
        schema,
        keys: Object.entries(own).map(([key, field]) => [key, add(place, key, field)] as const),
        name: place
      }
  })
  const flat: Schema.Constraint = Schema.Struct(Object.fromEntries(fields))
  // `Any`, because each part is checked by its own schema.
  return (flat as Schema.Codec<Values, Values>).pipe(Schema.decodeTo(
    Schema.Any,
    SchemaTransformation.transformEffect<unknown, Values>({
      decode: (values) =>
        Effect.map(
          Effect.forEach(slots, (slot) => Effect.map(gather(slot, values), (value) => [slot.place, value] as const)),
          Object.fromEntries
        ),
      encode: (request) => Effect.succeed(Object.assign({}, ...slots.map((slot) => spread(slot, request as Request))))
    })
  ))
}

/** Where the fields of a schema can be told one by one: it is nothing but a struct, or a class over one. */
const fieldsOf = (schema: Schema.Top): Schema.Struct.Fields | undefined => {
  if (!("fields" in schema)) return undefined
  const { ast } = schema
  return ast._tag === "Declaration" || ast._tag === "Objects" && ast.encoding === undefined
    ? schema.fields as Schema.Struct.Fields
    : undefined
}

const gather = ({ keys, name, schema }: Slot, values: Values) => {
  if (keys === undefined) return Effect.succeed(values[name])
  const value = Object.fromEntries(
    keys.flatMap(([key, name]) => Object.hasOwn(values, name) ? [[key, values[name]]] : [])
  )
  // Only a class and the checks of a struct have anything to say; `makeEffect` would fill in what has a default in code.
  return schema.ast._tag === "Objects" && schema.ast.checks === undefined
    ? Effect.succeed(value)
    : schema.makeEffect(value)
}

const spread = ({ keys, name, place }: Slot, request: Request): Values => {
  const value = request[place]
  if (keys === undefined) return { [name]: value }
  const record = Object(value) as Values
  return Object.fromEntries(keys.flatMap(([key, name]) => key in record ? [[name, record[key]]] : []))
}
