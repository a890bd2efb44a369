/**
 * Why content could not be made from a file, a URL or a data URL.
 */
import * as Schema from "effect/Schema"

/** The file or the URL could not be read. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  source: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `${this.source} could not be read: ${this.text}`
  }
}

/** It is not the kind of content that was asked for. @category reasons @since 0.1.0 */
export class WrongType extends Schema.TaggedClass<WrongType>()("WrongType", {
  source: Schema.String,
  expected: Schema.Literals(["image", "audio"]),
  /** Its media type, where one could be told. */
  found: Schema.optionalKey(Schema.String)
}) {
  get message(): string {
    return this.found === undefined
      ? `${this.source} is of no known media type; say it with the option mimeType`
      : `${this.source} is ${this.found}, not ${this.expected === "image" ? "an image" : "audio"}`
  }
}

/** It is larger than allowed. @category reasons @since 0.1.0 */
export class TooLarge extends Schema.TaggedClass<TooLarge>()("TooLarge", {
  source: Schema.String,
  /** In bytes. */
  maximum: Schema.Finite
}) {
  get message(): string {
    return `${this.source} is larger than ${this.maximum} bytes; the option maxBytes allows more`
  }
}

/** The text is not a data URL, or its data is not base64. @category reasons @since 0.1.0 */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", { text: Schema.String }) {
  get message(): string {
    return this.text
  }
}

/** Content is fetched from `https` URLs and read from `data` URLs, and from no others. @category reasons @since 0.1.0 */
export class ForbiddenUrl extends Schema.TaggedClass<ForbiddenUrl>()("ForbiddenUrl", { url: Schema.String }) {
  get message(): string {
    return `${this.url} is neither an https nor a data URL`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Unreadable, WrongType, TooLarge, Malformed, ForbiddenUrl])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class ContentError extends Schema.TaggedError<ContentError>("fastmcp-effect/definition/ContentError")(
  "ContentError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ContentError => new ContentError({ reason })
