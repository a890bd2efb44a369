/**
 * URI templates of RFC 6570, all four levels: `expand` makes a URI of values, `match` finds the values in a URI.
 *
 * Every template expands; only an invertible one matches. `invert` refuses those in which one URI could come from
 * different values: two variables with nothing between them that a value cannot hold (`{a}{b}`, `{a}-{b}`,
 * `{name}{.ext}`, `{x}{+y}`), anything variable after a reserved expansion (`{+path}{?q}`), several values or a list
 * in an expression whose separator a value may hold (`{+a,b}`, `{.a*}`), a list beside other variables in an
 * expression without names (`{/a,b*}`), prefixes (`{a:3}`), and one variable twice. Matching takes time linear in the
 * URI.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const TypeId = "~fastmcp-effect/core/UriTemplate"

// ----------------------------------------------------------------------------
// models
// ----------------------------------------------------------------------------

/** What a template is expanded with; an empty list or map counts as absent. @category models @since 0.1.0 */
export type Value = string | ReadonlyArray<string> | { readonly [key: string]: string }

/** @category models @since 0.1.0 */
export interface Values {
  readonly [name: string]: Value | undefined
}

/** `""` is simple expansion, `+` reserved expansion. @category models @since 0.1.0 */
export type Operator = "" | "+" | "#" | "." | "/" | ";" | "?" | "&"

/** @category models @since 0.1.0 */
export interface Variable {
  readonly name: string
  readonly explode: boolean
  /** The number of characters that `{name:3}` keeps. */
  readonly prefix: number | undefined
}

/** @category models @since 0.1.0 */
export interface Literal {
  readonly _tag: "Literal"
  /** As it stands in the URI. */
  readonly text: string
  /** Where it stands in the template. */
  readonly position: number
}

/** @category models @since 0.1.0 */
export interface Expression {
  readonly _tag: "Expression"
  /** As it stands in the template. */
  readonly text: string
  /** Where it stands in the template. */
  readonly position: number
  readonly operator: Operator
  readonly variables: ReadonlyArray<Variable>
}

/** @category models @since 0.1.0 */
export interface UriTemplate {
  readonly [TypeId]: typeof TypeId
  readonly source: string
  readonly parts: ReadonlyArray<Literal | Expression>
}

/** A template whose values can be found in a URI. @category models @since 0.1.0 */
export interface Invertible extends UriTemplate {
  /** @internal */
  readonly steps: ReadonlyArray<Step>
}

// ----------------------------------------------------------------------------
// types from a template's text
// ----------------------------------------------------------------------------

type Expressions<Template extends string, Found extends string = never> = Template extends
  `${string}{${infer Body}}${infer Rest}` ? Expressions<Rest, Found | Body> : Found

type Split<List extends string, Found extends string = never> = List extends `${infer First},${infer Rest}`
  ? Split<Rest, Found | First>
  : Found | List

/** The variables' specifications (`name`, `name*`, `name:3`) in the expressions with one of these operators. */
type Specs<Body extends string, O extends Operator> = Body extends `${infer First}${infer Rest}`
  ? First extends Exclude<Operator, ""> ? (First extends O ? Split<Rest> : never)
  : "" extends O ? Split<Body>
  : never
  : never

type NameOf<Spec extends string> = Spec extends `${infer Name}*` ? Name
  : Spec extends `${infer Name}:${string}` ? Name
  : Spec

type Named = ";" | "?" | "&"

/** The names of a template's variables, `string` for a template that is not known. @category utility types @since 0.1.0 */
export type Names<Template extends string> = string extends Template ? string
  : NameOf<Specs<Expressions<Template>, Operator>>

/** The names of the variables that are in every URI that matches. @category utility types @since 0.1.0 */
export type RequiredNames<Template extends string> = string extends Template ? never
  : NameOf<Specs<Expressions<Template>, "" | "+">>

/** The names of lists that may be maps: alone in an expression with names. */
type MapNames<Body extends string> = Body extends `${Named}${infer Spec}`
  ? Spec extends `${string},${string}` ? never : Spec extends `${infer Name}*` ? Name : never
  : never

/** What `match` finds for each variable that is there. @category utility types @since 0.1.0 */
export type Found<Template extends string> = string extends Template ? { readonly [name: string]: Value }
  : {
    readonly [Spec in Specs<Expressions<Template>, Operator> as NameOf<Spec>]: Spec extends `${infer Name}*` ?
        | ReadonlyArray<string>
        | (Name extends MapNames<Expressions<Template>> ? { readonly [key: string]: string } : never)
      : string
  }

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

const fault = {
  template: Schema.String,
  /** The index in the template at which the fault begins. */
  position: Schema.Int,
  problem: Schema.String
}

/** It is not a template. @category reasons @since 0.1.0 */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", fault) {}

/** It is a template, but different values can give one URI. @category reasons @since 0.1.0 */
export class Ambiguous extends Schema.TaggedClass<Ambiguous>()("Ambiguous", fault) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Malformed, Ambiguous])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class UriTemplateError extends Schema.TaggedError<UriTemplateError>("fastmcp-effect/core/UriTemplate")(
  "UriTemplateError",
  { reason: Reason }
) {
  override get message(): string {
    const { _tag, position, problem, template } = this.reason
    const what = _tag === "Malformed" ? "is malformed" : "cannot be matched"
    return `The URI template ${JSON.stringify(template)} ${what}: at ${position}, ${problem}`
  }
}

const malformed = (template: string, position: number, problem: string) =>
  Result.fail(new UriTemplateError({ reason: new Malformed({ template, position, problem }) }))

const ambiguous = (template: string, position: number, problem: string) =>
  Result.fail(new UriTemplateError({ reason: new Ambiguous({ template, position, problem }) }))

// ----------------------------------------------------------------------------
// parsing
// ----------------------------------------------------------------------------

/** @category guards @since 0.1.0 */
export const isUriTemplate = (value: unknown): value is UriTemplate =>
  typeof value === "object" && value !== null && TypeId in value

/** Reads a template for `expand`; `invert` makes it fit for `match`. @category constructors @since 0.1.0 */
export const parse = (source: string): Result.Result<UriTemplate, UriTemplateError> => {
  const parts: Array<Literal | Expression> = []
  let position = 0
  while (position < source.length) {
    const open = source.indexOf("{", position)
    const text = source.slice(position, open < 0 ? source.length : open)
    if (text !== "") {
      const wrong = notLiteral.exec(text)
      if (wrong !== null) {
        return malformed(
          source,
          position + wrong.index,
          wrong[0] === "%"
            ? "a % is not followed by two hexadecimal digits"
            : wrong[0] === "}"
            ? "a } closes nothing"
            : `${JSON.stringify(wrong[0])} has to be percent-encoded`
        )
      }
      parts.push({ _tag: "Literal", text: encodeForeign(text), position })
    }
    if (open < 0) break
    const close = source.indexOf("}", open)
    if (close < 0) return malformed(source, open, "the { is never closed")
    const expression = parseExpression(source, open, source.slice(open + 1, close))
    if (Result.isFailure(expression)) return Result.fail(expression.failure)
    parts.push(expression.success)
    position = close + 1
  }
  return Result.succeed({ [TypeId]: TypeId, source, parts })
}

// Section 2.1, with the apostrophe (erratum 6937).
const notLiteral = /[\0-\x20"<>\\^`{|}\x7f-\x9f]|%(?![\dA-Fa-f]{2})|\p{Surrogate}/u

const variablePattern = /^((?:\w|%[\dA-Fa-f]{2})(?:\.?(?:\w|%[\dA-Fa-f]{2}))*)(?:\*|:([1-9]\d{0,3}))?$/

const parseExpression = (
  source: string,
  position: number,
  body: string
): Result.Result<Expression, UriTemplateError> => {
  const first = body.charAt(0)
  if (first !== "" && "=,!@|".includes(first)) {
    return malformed(source, position + 1, `the operator ${first} is reserved by RFC 6570`)
  }
  const operator = (first !== "" && "+#./;?&".includes(first) ? first : "") as Operator
  const variables: Array<Variable> = []
  let at = position + 1 + operator.length
  for (const spec of body.slice(operator.length).split(",")) {
    const match = variablePattern.exec(spec)
    if (match === null) {
      return malformed(
        source,
        at,
        spec === ""
          ? "a variable has no name"
          : `${
            JSON.stringify(spec)
          } is not a variable: a name of letters, digits, _ and inner dots, then * or :1 to :9999 if need be`
      )
    }
    const [, name, prefix] = match
    variables.push({
      name: name!,
      explode: spec.endsWith("*"),
      prefix: prefix === undefined ? undefined : Number(prefix)
    })
    at += spec.length + 1
  }
  return Result.succeed({ _tag: "Expression", text: `{${body}}`, position, operator, variables })
}

// ----------------------------------------------------------------------------
// expanding
// ----------------------------------------------------------------------------

const separators: { readonly [operator in Operator]: string } = {
  "": ",",
  "+": ",",
  "#": ",",
  ".": ".",
  "/": "/",
  ";": ";",
  "?": "&",
  "&": "&"
}

/** Whether values in such an expression stand behind their names. @category guards @since 0.1.0 */
export const isNamed = (operator: Operator): operator is Named =>
  operator === ";" || operator === "?" || operator === "&"

const isReserved = (operator: Operator) => operator === "+" || operator === "#"

/**
 * The URI with these values. Variables without a value are left out; a prefix (`{a:3}`) does not apply to a list or a
 * map.
 *
 * **Gotchas**
 *
 * Reserved expansion keeps what is percent-encoded in a value as it is, so `a%20b` and `a b` give one URI.
 *
 * @category expanding
 * @since 0.1.0
 */
export const expand = (template: UriTemplate, values: Values): string => {
  let uri = ""
  for (const part of template.parts) uri += part._tag === "Literal" ? part.text : expandExpression(part, values)
  return uri
}

const expandExpression = ({ operator, variables }: Expression, values: Values): string => {
  const pieces = variables.flatMap((variable) => {
    const value = Object.hasOwn(values, variable.name) ? values[variable.name] : undefined
    return value === undefined || value === null ? [] : expandVariable(operator, variable, value)
  })
  if (pieces.length === 0) return ""
  return (operator === "+" ? "" : operator) + pieces.join(separators[operator])
}

const expandVariable = (
  operator: Operator,
  { explode, name, prefix }: Variable,
  value: Value
): ReadonlyArray<string> => {
  const encode = isReserved(operator) ? encodeReserved : encodeSimple
  const named = (key: string, text: string) =>
    !isNamed(operator) ? text : text === "" && operator === ";" ? key : `${key}=${text}`
  if (typeof value === "string") {
    return [named(name, encode(prefix === undefined ? value : Array.from(value).slice(0, prefix).join("")))]
  }
  if (isList(value)) {
    if (value.length === 0) return []
    const items = value.map(encode)
    return explode ? items.map((item) => named(name, item)) : [named(name, items.join(","))]
  }
  const entries = Object.entries(value).map(([key, item]) => [encode(key), encode(item)] as const)
  if (entries.length === 0) return []
  if (!explode) return [named(name, entries.flat().join(","))]
  return entries.map(([key, item]) => isNamed(operator) ? named(key, item) : `${key}=${item}`)
}

const isList = (value: Value): value is ReadonlyArray<string> => Array.isArray(value)

const percent = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

const encodeSimple = (value: string): string => encodeURIComponent(value.toWellFormed()).replace(/[!'()*]/g, percent)

const encodeReserved = (value: string): string =>
  value.toWellFormed().replace(
    /%[\dA-Fa-f]{2}|[^\w.~:/?#[\]@!$&'()*+,;=-]/gu,
    (match) => match.length === 3 ? match : encodeURIComponent(match)
  )

const encodeForeign = (text: string): string => text.replace(/[^\0-\x7f]+/gu, encodeURIComponent)

// ----------------------------------------------------------------------------
// matching
// ----------------------------------------------------------------------------

/** A piece of the URI: literal text, or the longest run without a stop, whose tail is literal too. */
type Step =
  | { readonly _tag: "Text"; readonly text: string }
  | {
    readonly _tag: "Run"
    readonly stops: ReadonlySet<number>
    readonly tail: string
    readonly expression: Expression
  }

/** Makes a template fit for `match`, or says why it is not. @category constructors @since 0.1.0 */
export const invert = (template: UriTemplate): Result.Result<Invertible, UriTemplateError> => {
  const { parts, source } = template
  const names = new Set<string>()
  const steps: Array<Step> = []
  let taken = 0
  for (const [index, part] of parts.entries()) {
    if (part._tag === "Literal") {
      const text = part.text.slice(taken)
      if (text !== "") steps.push({ _tag: "Text", text: upperTriplets(text) })
      taken = 0
      continue
    }
    const { operator, position, text, variables } = part
    for (const { name } of variables) {
      if (names.has(name)) {
        return ambiguous(source, position, `${name} is there twice; give each place a name of its own`)
      }
      names.add(name)
    }
    const loss = lossOf(part)
    if (loss !== undefined) return ambiguous(source, position, loss)
    // NOTE: literal text that a value could hold belongs to the run (`{name}.json`). A run ends at the first character
    // that no value of its own can hold, so where it ends does not depend on the values.
    const next = parts[index + 1]
    const literal = next?._tag === "Literal" ? next.text : ""
    while (taken < literal.length && holds(part, literal[taken]!)) taken++
    const starts: ReadonlyArray<Start> = taken < literal.length
      ? [{ char: literal[taken], text: literal, position }]
      : startsOf(parts.slice(literal === "" ? index + 1 : index + 2))
    const rival = starts.find(({ char }) => char === undefined || holds(part, char))
    if (rival !== undefined) {
      return ambiguous(
        source,
        rival.position,
        `nothing tells where ${text} ends and ${rival.text} begins; ${
          isReserved(operator)
            ? "only fixed text can follow a reserved expansion"
            : "put a character between them that values hold only percent-encoded, such as /"
        }`
      )
    }
    const stops = [...new Set(baseStops[operator] + starts.map(({ char }) => char).join(""))]
    steps.push({
      _tag: "Run",
      stops: new Set(stops.map((char) => char.charCodeAt(0))),
      tail: upperTriplets(literal.slice(0, taken)),
      expression: part
    })
  }
  return Result.succeed({ ...template, steps })
}

/** What can come next: text that begins with a character, or with any. */
interface Start {
  readonly char: string | undefined
  readonly text: string
  readonly position: number
}

const startsOf = (parts: ReadonlyArray<Literal | Expression>): ReadonlyArray<Start> => {
  const starts: Array<Start> = []
  for (const part of parts) {
    const { position, text } = part
    if (part._tag === "Literal") return [...starts, { char: text[0], text, position }]
    const isAlwaysThere = part.operator === "" || part.operator === "+"
    starts.push({ char: isAlwaysThere ? undefined : part.operator, text, position })
    if (isAlwaysThere) break
  }
  return starts
}

/** Why the values of an expression cannot be told from its text alone. */
const lossOf = ({ operator, text, variables }: Expression): string | undefined => {
  const cut = variables.find(({ prefix }) => prefix !== undefined)
  if (cut !== undefined) {
    return `${cut.name}:${cut.prefix} keeps only the beginning of a value; leave :${cut.prefix} out`
  }
  if (isNamed(operator)) return undefined
  const list = variables.find(({ explode }) => explode)
  if (list === undefined && variables.length === 1) return undefined
  if (isReserved(operator) || operator === ".") {
    return `a value in ${text} may hold the ${
      separators[operator]
    } that is between values; use one variable, not a list`
  }
  return list === undefined || variables.length === 1
    ? undefined
    : `nothing in ${text} tells the list ${list.name} from the other values; give it an expression of its own`
}

/** Characters that the text of an expression may hold as `expand` writes it. */
const holds = ({ operator, variables }: Expression, char: string): boolean => {
  if (isReserved(operator) || /[\w.~%-]/.test(char)) return true
  switch (operator) {
    case "":
      return char === "," && (variables.length > 1 || variables.some(({ explode }) => explode))
    case "/":
      return char === "/"
    case ";":
      return char === ";" || char === "="
    case "?":
      return char === "?" || char === "&" || char === "="
    case "&":
      return char === "&" || char === "="
    default:
      return false
  }
}

// What nobody writes in a value even where it could be told apart. All else is taken, so that a URI written by hand
// (`mail://ann@example.com` for `mail://{address}`) matches too.
const baseStops: { readonly [operator in Operator]: string } = {
  "": "/?#",
  ".": "/?#",
  "/": "?#",
  ";": "/?#",
  "?": "#",
  "&": "#",
  "+": "",
  "#": ""
}

/**
 * The values in a URI: those that `expand` makes it of, or, if it was written by hand, would with more characters
 * percent-encoded. Undefined when it is none of the template's. `"Unsafe"` when it is, but a decoded value could lead a
 * file path or a route astray: a `..` between slashes or a NUL, and a slash or backslash outside of a reserved, fragment
 * or query expression.
 *
 * **Details**
 *
 * - `{a}` and `{+a}` match at least one character. The variables of `{a,b}` are all there; those of `{/a,b}` all or
 *   none; those of `{?a,b}`, `{&a,b}` and `{;a,b}` in any order, each there or not, and no others.
 * - A variable is a string. With `*` it is a list, and alone in an expression with names (`{?filter*}`) also a map: a
 *   list when all the names are its own.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = (
  template: Invertible,
  uri: string,
  options?: { readonly unsafe?: boolean | undefined }
): { readonly [name: string]: Value } | "Unsafe" | undefined => {
  if (!uri.isWellFormed()) return undefined
  const text = upperTriplets(uri.replace(/[\0-\x20"<>\\^`{|}\x7f-\u{10ffff}]+/gu, encodeURIComponent))
  const found: Array<readonly [name: string, value: Value]> = []
  let isUnsafe = false
  let position = 0
  for (const step of template.steps) {
    if (step._tag === "Text") {
      if (!text.startsWith(step.text, position)) return undefined
      position += step.text.length
      continue
    }
    let end = position
    while (end < text.length && !step.stops.has(text.charCodeAt(end))) end++
    const run = text.slice(position, end)
    if (!run.endsWith(step.tail)) return undefined
    const values = read(step.expression, run.slice(0, run.length - step.tail.length))
    if (values === undefined) return undefined
    for (const entry of values) {
      isUnsafe ||= options?.unsafe !== true && leadsAstray(step.expression.operator, entry[1])
      found.push(entry)
    }
    position = end
  }
  if (position < text.length) return undefined
  return isUnsafe ? "Unsafe" : Object.fromEntries(found)
}

type Entries = ReadonlyArray<readonly [name: string, value: Value]>

/** The values in an expression's own text. */
const read = ({ operator, variables }: Expression, text: string): Entries | undefined => {
  const only = variables.length === 1 ? variables[0]! : undefined
  if (operator === "" || operator === "+") {
    if (text === "") return undefined
    return only?.explode === false ? readUnnamed([only], [text]) : readUnnamed(variables, text.split(","))
  }
  if (text === "") return []
  if (!text.startsWith(operator)) return undefined
  const rest = text.slice(1)
  if (isNamed(operator)) return readNamed(variables, rest.split(separators[operator]))
  return readUnnamed(variables, operator === "/" ? rest.split("/") : [rest])
}

const readUnnamed = (variables: ReadonlyArray<Variable>, raw: ReadonlyArray<string>): Entries | undefined => {
  const texts = raw.map(decode)
  if (!areDecoded(texts)) return undefined
  if (variables[0]!.explode) return [[variables[0]!.name, texts]]
  return texts.length === variables.length ? variables.map(({ name }, index) => [name, texts[index]!]) : undefined
}

const readNamed = (variables: ReadonlyArray<Variable>, pieces: ReadonlyArray<string>): Entries | undefined => {
  const pairs: Array<readonly [key: string, value: string]> = []
  for (const piece of pieces) {
    const equals = piece.indexOf("=")
    const key = equals < 0 ? piece : piece.slice(0, equals)
    const value = decode(equals < 0 ? "" : piece.slice(equals + 1))
    if (key === "" || value === undefined) return undefined
    pairs.push([key, value])
  }
  const grouped = Map.groupBy(pairs, ([key]) => key)
  if (variables.length === 1 && variables[0]!.explode && !grouped.has(upperTriplets(variables[0]!.name))) {
    return readMap(variables[0]!, pairs)
  }
  const found: Array<readonly [name: string, value: Value]> = []
  for (const { explode, name } of variables) {
    const values = grouped.get(upperTriplets(name))?.map(([, value]) => value)
    if (values === undefined) continue
    if (!explode && values.length > 1) return undefined
    grouped.delete(upperTriplets(name))
    found.push([name, explode ? values : values[0]!])
  }
  return grouped.size === 0 ? found : undefined
}

const readMap = (
  { name }: Variable,
  pairs: ReadonlyArray<readonly [key: string, value: string]>
): Entries | undefined => {
  const keys = pairs.map(([key]) => decode(key))
  if (!areDecoded(keys) || new Set(keys).size < keys.length) return undefined
  return [[name, Object.fromEntries(keys.map((key, index) => [key, pairs[index]![1]]))]]
}

const decode = (text: string): string | undefined => {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const areDecoded = (texts: ReadonlyArray<string | undefined>): texts is ReadonlyArray<string> =>
  !texts.includes(undefined)

const upperTriplets = (text: string): string =>
  text.includes("%") ? text.replace(/%[\da-f]{2}/gi, (triplet) => triplet.toUpperCase()) : text

const leadsAstray = (operator: Operator, value: Value): boolean => {
  if (typeof value !== "string") return Object.entries(value).flat().some((text) => leadsAstray(operator, text))
  return value.includes("\0") || /(?:^|[/\\])\.\.(?:[/\\]|$)/.test(value) ||
    !isReserved(operator) && operator !== "?" && operator !== "&" && /[/\\]/.test(value)
}

// ----------------------------------------------------------------------------
// order
// ----------------------------------------------------------------------------

/**
 * Puts the more specific template first: the one with more literal characters, then fewer variables, then fewer of them
 * in reserved expansions.
 *
 * @category ordering
 * @since 0.1.0
 */
export const compare = (a: UriTemplate, b: UriTemplate): number => {
  const [x, y] = [weigh(a), weigh(b)]
  return y.literal - x.literal || x.variables - y.variables || x.reserved - y.reserved
}

const weigh = ({ parts }: UriTemplate) => {
  let literal = 0
  let variables = 0
  let reserved = 0
  for (const part of parts) {
    if (part._tag === "Literal") literal += part.text.length
    else {
      variables += part.variables.length
      if (isReserved(part.operator)) reserved += part.variables.length
    }
  }
  return { literal, variables, reserved }
}
