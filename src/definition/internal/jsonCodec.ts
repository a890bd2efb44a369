/**
 * The codec between the values of an Effect Schema and what MCP has of them in JSON.
 *
 * Neither of Effect's own candidates will do. The plain encoded side is not JSON (a `Date`, a `Map` or a `bigint`
 * encodes to itself), and `Schema.toCodecJson(schema)` writes an absent optional as `null` and lets the strings "NaN"
 * and "Infinity" through where a number is declared. This one is `Schema.toCodecJson` with these two corrected.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** The same type as `schema` on the decoded side, plain JSON on the encoded side. */
export type Codec<S extends Schema.Top> = Schema.Codec<
  S["Type"],
  Schema.Json,
  S["DecodingServices"],
  S["EncodingServices"]
>

/** The schema to decode and encode with; build it once per definition, as parsers are cached per schema. */
export const codec = <S extends Schema.Top>(schema: S): Codec<S> =>
  Schema.make<Codec<S>>(correct()(Schema.toCodecJson(schema).ast))

// Named to be recognised, not to be used.
// @effect-diagnostics-next-line schemaNumber:off
const numberToJson = Schema.toCodecJson(Schema.Number).ast.encoding?.[0].transformation
const undefinedToNull = Schema.toCodecJson(Schema.Undefined).ast.encoding?.[0].transformation

const isJsonNumber = (ast: SchemaAST.AST): boolean => ast.encoding?.[0].transformation === numberToJson
const isJsonUndefined = (ast: SchemaAST.AST): boolean => ast.encoding?.[0].transformation === undefinedToNull

const copy = <A extends SchemaAST.AST>(ast: A, changes: Partial<A>): A =>
  Object.assign(Object.create(Object.getPrototypeOf(ast)), ast, changes)

const mapWire = (ast: SchemaAST.AST, f: (wire: SchemaAST.AST) => SchemaAST.AST): SchemaAST.AST => {
  if (ast.encoding === undefined || isJsonUndefined(ast) || isJsonNumber(ast)) return f(ast)
  const last = ast.encoding[ast.encoding.length - 1]!
  const to = mapWire(last.to, f)
  if (to === last.to) return ast
  const link = new SchemaAST.Link(to, last.transformation)
  return copy(ast, { encoding: [...ast.encoding.slice(0, -1), link] as unknown as SchemaAST.Encoding })
}

const correct = (): (ast: SchemaAST.AST) => SchemaAST.AST => {
  const done = new Map<SchemaAST.AST, SchemaAST.AST>()
  // NOTE: copies of one node that differ in their context (optional, key annotations) share these arrays, and
  // `jsonSchema.ts` recognises a repeated type by them.
  const doneProperties = new Map<
    ReadonlyArray<SchemaAST.PropertySignature>,
    ReadonlyArray<SchemaAST.PropertySignature>
  >()
  const doneTypes = new Map<ReadonlyArray<SchemaAST.AST>, ReadonlyArray<SchemaAST.AST>>()
  const doneThunks = new Map<() => SchemaAST.AST, () => SchemaAST.AST>()

  const onProperty = (property: SchemaAST.PropertySignature): SchemaAST.PropertySignature => {
    const type = mapWire(on(property.type), absentWhenUndefined)
    return type === property.type ? property : new SchemaAST.PropertySignature(property.name, type)
  }
  const onTypes = (types: ReadonlyArray<SchemaAST.AST>) =>
    memoize(doneTypes, types, () => SchemaAST.mapOrSame(types, on))

  const onWire = (ast: SchemaAST.AST): SchemaAST.AST => {
    const { annotations, checks, context } = ast
    switch (ast._tag) {
      case "Number":
        return isJsonNumber(ast)
          ? new SchemaAST.Number(annotations, [Schema.isFinite(), ...(checks ?? [])], undefined, context)
          : ast
      case "Objects": {
        if (ast.propertySignatures.length === 0 && ast.indexSignatures.length === 0) {
          return copy(ast, { checks: [isRecord, ...(checks ?? [])] })
        }
        const properties = memoize(
          doneProperties,
          ast.propertySignatures,
          () => SchemaAST.mapOrSame(ast.propertySignatures, onProperty)
        )
        const indexes = SchemaAST.mapOrSame(ast.indexSignatures, (index) => {
          const type = on(index.type)
          return type === index.type ? index : new SchemaAST.IndexSignature(index.parameter, type)
        })
        return properties === ast.propertySignatures && indexes === ast.indexSignatures
          ? ast
          : new SchemaAST.Objects(properties, indexes, annotations, checks, undefined, context, ast.encodingChecks)
      }
      case "Arrays": {
        const elements = onTypes(ast.elements)
        const rest = onTypes(ast.rest)
        return elements === ast.elements && rest === ast.rest
          ? ast
          : new SchemaAST.Arrays(
            ast.isMutable,
            elements,
            rest,
            annotations,
            checks,
            undefined,
            context,
            ast.encodingChecks
          )
      }
      case "Union": {
        const types = onTypes(ast.types)
        return types === ast.types
          ? ast
          : new SchemaAST.Union(types, ast.options, annotations, checks, undefined, context, ast.encodingChecks)
      }
      case "Suspend":
        return new SchemaAST.Suspend(
          memoize(doneThunks, ast.thunk, () => () => on(ast.thunk())),
          annotations,
          checks,
          undefined,
          context
        )
      default:
        return ast
    }
  }

  const on = (ast: SchemaAST.AST): SchemaAST.AST => memoize(done, ast, () => mapWire(ast, onWire))
  return on
}

const memoize = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  if (!map.has(key)) map.set(key, make())
  return map.get(key)!
}

// `Schema.Struct({})` accepts every value but null and undefined, and any keys; in JSON it can only mean an object.
const isRecord = Schema.makeFilter((value: unknown, ast, options) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  if (options.onExcessProperty !== "error") return true
  return Object.entries(value).map(([key, unknown]) => ({
    path: [key],
    issue: new SchemaIssue.UnexpectedKey(ast, unknown, options)
  }))
}, {
  expected: "an object"
})

const withoutUndefined = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (isJsonUndefined(ast)) return []
  if (!SchemaAST.isUnion(ast) || ast.encoding !== undefined || ast.checks !== undefined) return [ast]
  const types = ast.types.flatMap(withoutUndefined)
  return types.length === ast.types.length ? [ast] : types
}

const absence = new SchemaTransformation.Transformation<unknown, unknown>(
  SchemaGetter.passthrough(),
  SchemaGetter.transformOptional(Option.filter((value) => value !== undefined))
)
const absenceOfRequired = new SchemaTransformation.Transformation<unknown, unknown>(
  SchemaGetter.transformOptional((value) => Option.isNone(value) ? Option.some(undefined) : value),
  SchemaGetter.transformOptional(Option.filter((value) => value !== undefined))
)

// A property that may be undefined becomes one that may be absent: JSON has no undefined.
const absentWhenUndefined = (ast: SchemaAST.AST): SchemaAST.AST => {
  const isUnion = SchemaAST.isUnion(ast)
  if (!isJsonUndefined(ast) && !isUnion) return ast
  const types = isUnion ? ast.types.flatMap(withoutUndefined) : []
  if (isUnion && types.length === ast.types.length && types.every((type, index) => type === ast.types[index])) {
    return ast
  }
  const present = types.length === 1
    ? types[0]!
    : new SchemaAST.Union(types, isUnion ? ast.options : undefined)
  // NOTE: `Any`, because the value has been checked on the wire side already: a second union would check it again.
  return SchemaAST.decodeTo(
    Schema.optionalKey(Schema.make<Schema.Top>(present)).ast,
    new SchemaAST.Any(ast.annotations, ast.checks, undefined, ast.context),
    SchemaAST.isOptional(ast) ? absence : absenceOfRequired
  )
}
