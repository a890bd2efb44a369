import * as Schema from "effect/Schema"
import { Icon } from "./content.ts"

/** Who a peer says it is; for display only, never for a decision. @category models @since 0.1.0 */
export const Implementation = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  websiteUrl: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(Icon))
})

/** @category models @since 0.1.0 */
export type Implementation = typeof Implementation.Type

const Settings = Schema.Record(Schema.String, Schema.Unknown)

/** @category models @since 0.1.0 */
export const ClientCapabilities = Schema.Struct({
  experimental: Schema.optionalKey(Schema.Record(Schema.String, Settings)),
  roots: Schema.optionalKey(Schema.Struct({ listChanged: Schema.optionalKey(Schema.Boolean) })),
  sampling: Schema.optionalKey(
    Schema.Struct({ context: Schema.optionalKey(Settings), tools: Schema.optionalKey(Settings) })
  ),
  /** `{}` means form mode alone. */
  elicitation: Schema.optionalKey(
    Schema.Struct({ form: Schema.optionalKey(Settings), url: Schema.optionalKey(Settings) })
  ),
  /** Which requests of the server it runs as tasks (2025-11-25 alone). */
  tasks: Schema.optionalKey(Schema.Struct({
    list: Schema.optionalKey(Settings),
    cancel: Schema.optionalKey(Settings),
    requests: Schema.optionalKey(Schema.Struct({
      sampling: Schema.optionalKey(Schema.Struct({ createMessage: Schema.optionalKey(Settings) })),
      elicitation: Schema.optionalKey(Schema.Struct({ create: Schema.optionalKey(Settings) }))
    }))
  })),
  extensions: Schema.optionalKey(Schema.Record(Schema.String, Settings))
})

/** @category models @since 0.1.0 */
export type ClientCapabilities = typeof ClientCapabilities.Type

const Listed = Schema.Struct({ listChanged: Schema.optionalKey(Schema.Boolean) })

/** @category models @since 0.1.0 */
export const ServerCapabilities = Schema.Struct({
  experimental: Schema.optionalKey(Schema.Record(Schema.String, Settings)),
  logging: Schema.optionalKey(Settings),
  completions: Schema.optionalKey(Settings),
  prompts: Schema.optionalKey(Listed),
  resources: Schema.optionalKey(
    Schema.Struct({ subscribe: Schema.optionalKey(Schema.Boolean), listChanged: Schema.optionalKey(Schema.Boolean) })
  ),
  tools: Schema.optionalKey(Listed),
  /** Which requests of the client it runs as tasks (2025-11-25 alone). */
  tasks: Schema.optionalKey(Schema.Struct({
    list: Schema.optionalKey(Settings),
    cancel: Schema.optionalKey(Settings),
    requests: Schema.optionalKey(Schema.Struct({
      tools: Schema.optionalKey(Schema.Struct({ call: Schema.optionalKey(Settings) }))
    }))
  })),
  extensions: Schema.optionalKey(Schema.Record(Schema.String, Settings))
})

/** @category models @since 0.1.0 */
export type ServerCapabilities = typeof ServerCapabilities.Type
