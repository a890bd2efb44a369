/**
 * A definition as data: what a row of a catalogue says of a tool, a resource, a resource template or a prompt. Contents
 * that do not change stand in the entry itself; what runs is the name of a handler, which is code, and its settings.
 *
 * Entries are in a database, for whoever may read that: name a secret in settings, and have the handler look it up.
 */
import * as Schema from "effect/Schema"
import * as McpSchema from "../protocol/McpSchema.ts"

const common = {
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(McpSchema.Icon)),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Of what it defines, for clients; the entry has a version of its own, given by the store. */
  version: Schema.optionalKey(Schema.String),
  meta: Schema.optionalKey(McpSchema.MetaObject),
  /** What a caller must have been granted. */
  scopes: Schema.optionalKey(Schema.Array(Schema.String)),
  /** In no list, and there for who knows its name. */
  unlisted: Schema.optionalKey(Schema.Boolean)
}

const JsonObject = Schema.Record(Schema.String, Schema.Json)

const handled = {
  /** Of the provider that serves the entry. */
  handler: Schema.optionalKey(Schema.String),
  /** What the handler is told beside its input; none when left out. */
  settings: Schema.optionalKey(JsonObject)
}

const Candidates = Schema.Record(Schema.String, Schema.Array(Schema.String))

/** @category schemas @since 0.1.0 */
export const Tool = Schema.Struct({
  kind: Schema.Literal("tool"),
  name: Schema.String,
  ...common,
  /** JSON Schema 2020-12 of an object; no arguments when left out. */
  inputSchema: Schema.optionalKey(JsonObject),
  /** With it the handler's value is structured content, and is checked. */
  outputSchema: Schema.optionalKey(JsonObject),
  annotations: Schema.optionalKey(McpSchema.ToolAnnotations),
  task: Schema.optionalKey(McpSchema.TaskSupport),
  handler: Schema.String,
  settings: handled.settings
})

/** @category models @since 0.1.0 */
export type Tool = typeof Tool.Type

const only = <A>(keys: ReadonlyArray<keyof A & string>) =>
  Schema.makeFilter<A>((entry) =>
    keys.filter((key) => entry[key] !== undefined).length === 1 || `Expected exactly one of ${keys.join(", ")}`
  )

/** @category schemas @since 0.1.0 */
export const Resource = Schema.Struct({
  kind: Schema.Literal("resource"),
  uri: Schema.String,
  /** The last segment of the URI when left out. */
  name: Schema.optionalKey(Schema.String),
  ...common,
  mimeType: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(McpSchema.Annotations),
  /** This, `blob` or `handler`. */
  text: Schema.optionalKey(Schema.String),
  /** In base64 where the entry is JSON. */
  blob: Schema.optionalKey(Schema.Uint8ArrayFromBase64),
  ...handled
}).check(only(["text", "blob", "handler"]))

/** @category models @since 0.1.0 */
export type Resource = typeof Resource.Type

/** @category schemas @since 0.1.0 */
export const Template = Schema.Struct({
  kind: Schema.Literal("template"),
  uriTemplate: Schema.String,
  name: Schema.String,
  ...common,
  mimeType: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(McpSchema.Annotations),
  /** Candidates for variables. */
  complete: Schema.optionalKey(Candidates),
  /** This or `handler`; `{{variable}}` stands for what a URI has in the place of the variable. */
  text: Schema.optionalKey(Schema.String),
  ...handled
}).check(only(["text", "handler"]))

/** @category models @since 0.1.0 */
export type Template = typeof Template.Type

/** A text stands for a block of text. @category schemas @since 0.1.0 */
export const Message = Schema.Struct({
  role: McpSchema.Role,
  content: Schema.Union([Schema.String, McpSchema.ContentBlock])
})

/** @category models @since 0.1.0 */
export type Message = typeof Message.Type

/** @category schemas @since 0.1.0 */
export const Prompt = Schema.Struct({
  kind: Schema.Literal("prompt"),
  name: Schema.String,
  ...common,
  arguments: Schema.optionalKey(Schema.Array(McpSchema.PromptArgument)),
  /** Candidates for arguments. */
  complete: Schema.optionalKey(Candidates),
  /** These or `handler`; `{{argument}}` in a text stands for what the client fills in. */
  messages: Schema.optionalKey(Schema.Array(Message)),
  ...handled
}).check(only(["messages", "handler"]))

/** @category models @since 0.1.0 */
export type Prompt = typeof Prompt.Type

/** @category schemas @since 0.1.0 */
export const Entry = Schema.Union([Tool, Resource, Template, Prompt])

/** @category models @since 0.1.0 */
export type Entry = typeof Entry.Type

/** @category schemas @since 0.1.0 */
export const Kind = Schema.Literals(["tool", "resource", "template", "prompt"])

/** @category models @since 0.1.0 */
export type Kind = typeof Kind.Type

/** Which entry: of each kind there is one of a name. @category models @since 0.1.0 */
export interface Key {
  readonly kind: Kind
  /** Of a tool or a prompt; the URI of a resource, and the text of a template. */
  readonly name: string
}

/** @category getters @since 0.1.0 */
export const keyOf = (entry: Entry): Key => ({ kind: entry.kind, name: nameOf(entry) })

const nameOf = (entry: Entry): string => {
  switch (entry.kind) {
    case "resource":
      return entry.uri
    case "template":
      return entry.uriTemplate
    default:
      return entry.name
  }
}
