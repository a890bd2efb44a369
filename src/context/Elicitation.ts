/**
 * Questions to the client's user: a form to fill in, or a page of yours to visit. A form's answers pass through the
 * client and often through its model, so a form must never ask for a secret; a page is between the user and you.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { isObject, type JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Ask from "./Ask.ts"
import * as AskError from "./AskError.ts"
import { fail, misfit, reader } from "./internal/answers.ts"
import * as formSchema from "./internal/formSchema.ts"
import type * as RequestContext from "./RequestContext.ts"

/** What a field of a form can hold, as clients send it. @category models @since 0.1.0 */
export type FieldValue = string | number | boolean | ReadonlyArray<string>

/** `undefined` is for fields that may be left out. @category models @since 0.1.0 */
export type Field = Schema.Codec<unknown, FieldValue | undefined, never, unknown>

/** @category models @since 0.1.0 */
export type Fields = { readonly [name: PropertyKey]: Field }

/** A schema of an object whose members all are fields. @category models @since 0.1.0 */
export type Form = Schema.Codec<unknown, { readonly [name: string]: FieldValue | undefined }, never, unknown>

/** What a form is answered with. @category utility types @since 0.1.0 */
export type Answer<S extends Fields | Form> = S extends Form ? S["Type"]
  : S extends Fields ? Schema.Struct<S>["Type"]
  : never

/** @category models @since 0.1.0 */
export interface Options {
  /** What is asked and why, for the user to read. */
  readonly message: string
}

/**
 * A form, described by a struct's fields or by a schema of an object. Texts, numbers, booleans, choices between texts
 * and lists of such choices can be asked for; titles, descriptions, bounds, defaults and the formats `email`, `uri`,
 * `date` and `date-time` are taken from the schemas and their annotations. The answer is what the schema decodes,
 * with the defaults of what was left out.
 *
 * **Gotchas**
 *
 * Checks a form has no words for (a pattern, a sum of two fields) are only made of the answer, which then is an
 * `InvalidAnswer`; say them in a description. A schema that fits no form is an `InvalidQuestion` when it is asked.
 *
 * @category questions
 * @since 0.1.0
 */
export const form = <const S extends Fields | Form>(schema: S, options: Options): Ask.Question<Answer<S>> => {
  const codec: Schema.Codec<any, any> = Schema.isSchema(schema) ? schema as any : Schema.Struct(schema as Fields)
  const made = formSchema.make(codec)
  if (made.fault !== undefined) return { ...formOf(emptyForm, options.message, asItIs), invalid: made.fault }
  return formOf(made.form, options.message, reader(codec))
}

/**
 * A form in MCP's own words, for what `form` cannot say. The answer is not checked, only filled up with the defaults.
 *
 * @category questions
 * @since 0.1.0
 */
export const raw = (
  requestedSchema: McpSchema.ElicitFormParams["requestedSchema"],
  message: string
): Ask.Question<{ readonly [name: string]: FieldValue }> => formOf(requestedSchema, message, asItIs)

/** @category models @since 0.1.0 */
export interface UrlOptions extends Options {
  /** How clients of 2025-11-25 tell two visits apart; the address when left out. */
  readonly id?: string
}

/**
 * A page to visit. An answer means that the user agreed to open it, not that all was done there: look for yourself.
 * The address must be `https` unless it is this machine's own, and must not hold credentials. Who opens it need not be
 * who was asked, so the page has to find out by itself.
 *
 * @category questions
 * @since 0.1.0
 */
export const url = (address: string | URL, options: UrlOptions): Ask.Question<void> => {
  const { id, message } = options
  const invalid = faultOfAddress(String(address))
  return {
    method: "elicitation/create",
    params: {
      mode: "url",
      message,
      url: String(address),
      elicitationId: id ?? String(address)
    },
    requires: { elicitation: { url: {} } },
    ...invalid === undefined ? undefined : { invalid },
    decode: (key, result) => Exit.map(accepted(key, result), () => undefined)
  }
}

/**
 * Asks with one form.
 *
 * @category asking
 * @since 0.1.0
 */
export const ask = <const S extends Fields | Form>(
  key: string,
  schema: S,
  options: Options
): Effect.Effect<Answer<S>, AskError.AskError, RequestContext.RequestContext> =>
  Effect.suspend(() => Ask.one(key, form(schema, options)))

// ----------------------------------------------------------------------------
// choices
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export type Choice<Value extends string> = Schema.Union<ReadonlyArray<Schema.Literal<Value>>>

/**
 * One of some texts, each with the title a user reads: `choice({ red: "Red", green: "Green" })`. Without titles,
 * `Schema.Literals` does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const choice = <const Titles extends { readonly [value: string]: string }>(
  titles: Titles,
  options?: {
    /**
     * Writes the titles as `enumNames` in every revision, for a client that does not read its own. Those before
     * 2025-11-25 are sent `enumNames` anyway.
     */
    readonly legacyTitles?: boolean
  }
): Choice<keyof Titles & string> => {
  const members = Object.entries(titles).map(([value, title]) =>
    Schema.Literal(value as keyof Titles & string).annotate({ title })
  )
  const union: Choice<keyof Titles & string> = Schema.Union(members)
  return options?.legacyTitles === true ? union.annotate({ [formSchema.enumNames]: true }) : union
}

/**
 * Any of some texts, each with its title. `Schema.isMinLength` and `Schema.isMaxLength` say how many.
 *
 * @category schemas
 * @since 0.1.0
 */
export const choices = <const Titles extends { readonly [value: string]: string }>(
  titles: Titles
): Schema.$Array<Choice<keyof Titles & string>> => Schema.Array(choice(titles))

// ----------------------------------------------------------------------------
// answers
// ----------------------------------------------------------------------------

const asItIs = (_key: string, content: unknown): Exit.Exit<any> => Exit.succeed(content)

const emptyForm: formSchema.RequestedSchema = { type: "object", properties: {} }

const formOf = <A>(
  requestedSchema: formSchema.RequestedSchema,
  message: string,
  read: (key: string, content: unknown) => Exit.Exit<A, AskError.AskError>
): Ask.Question<A> => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema: requestedSchema as unknown as JsonObject },
  requires: { elicitation: { form: {} } },
  decode: (key, result) => {
    const answer = accepted(key, result)
    if (Exit.isFailure(answer)) return Exit.failCause(answer.cause)
    // Clients leave the content of an empty form out, or send null for it.
    const content = answer.value.content ?? {}
    return isObject(content)
      ? read(key, formSchema.fill(requestedSchema, content))
      : misfit(key, "its content is not an object")
  }
})

/**
 * What a user has filled in, with the form's defaults for what they left out; or what does not fit the form, in words.
 * For clients.
 *
 * @category answers
 * @since 0.1.0
 */
export const complete = (
  form: McpSchema.ElicitFormParams["requestedSchema"],
  content: { readonly [name: string]: unknown }
): { readonly [name: string]: FieldValue } | string => {
  const filled = formSchema.fill(form, content)
  return formSchema.faultOf(form, filled) ?? filled as { readonly [name: string]: FieldValue }
}

const accepted = (key: string, result: unknown): Exit.Exit<JsonObject, AskError.AskError> => {
  if (!isObject(result as JsonObject)) return misfit(key, "it is not an object")
  const answer = result as JsonObject
  switch (answer.action) {
    case "accept":
      return Exit.succeed(answer)
    case "decline":
      return fail(new AskError.Declined({ key }))
    case "cancel":
      return fail(new AskError.Dismissed({ key }))
    default:
      return misfit(key, "its action is not accept, decline or cancel")
  }
}

const faultOfAddress = (address: string): string | undefined => {
  if (!URL.canParse(address)) return `${JSON.stringify(address)} is not an address.`
  const { hostname, password, protocol, username } = new URL(address)
  const isOwn = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/u.test(hostname)
  if (protocol !== "https:" && !(protocol === "http:" && isOwn)) {
    return `a page to visit must be https, not ${protocol}//${hostname}.`
  }
  return username !== "" || password !== "" ? "the address must not hold a name or a password." : undefined
}
