/** What server and client agree on. */
import * as Schema from "effect/Schema"
import { Tool } from "fastmcp-effect"

export class Unfriendly extends Schema.TaggedError<Unfriendly>()("Unfriendly", { name: Schema.String }) {
  override get message() {
    return `${this.name} is not greeted here`
  }
}

export const greet = Tool.make("greet", {
  description: "Greets a person by name",
  parameters: { name: Schema.NonEmptyString },
  success: Schema.String,
  failure: Unfriendly
})
