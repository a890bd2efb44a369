/** Prompts with and without arguments, and with more than text in them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Content } from "fastmcp-effect"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import { png } from "./media.ts"

const simple = Prompt.make("test_simple_prompt", {
  description: "A prompt without arguments",
  handler: () => Effect.succeed("This is a simple prompt for testing.")
})

const withArguments = Prompt.make("test_prompt_with_arguments", {
  description: "A prompt with two arguments, both of which complete",
  arguments: {
    arg1: Schema.String.annotate({ description: "The first argument" }),
    arg2: Schema.String.annotate({ description: "The second argument" })
  },
  complete: {
    arg1: ["hello", "help", "test", "testValue1"],
    arg2: (_typed, { arguments: { arg1 } }) => Effect.succeed(arg1 === "hello" ? ["world"] : ["testValue2"])
  },
  handler: ({ arg1, arg2 }) => Effect.succeed(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)
})

const withEmbeddedResource = Prompt.make("test_prompt_with_embedded_resource", {
  description: "A prompt with a resource in it",
  arguments: { resourceUri: Schema.String.annotate({ description: "The address of the resource to embed" }) },
  handler: ({ resourceUri }) =>
    Effect.succeed([
      Prompt.user(Content.resource({
        uri: resourceUri,
        mimeType: "text/plain",
        text: "Embedded resource content for testing."
      })),
      Prompt.user("Please process the embedded resource above.")
    ])
})

const withImage = Prompt.make("test_prompt_with_image", {
  description: "A prompt with a picture in it",
  handler: () =>
    Effect.succeed([
      Prompt.user(Content.image(png, "image/png")),
      Prompt.user("Please analyze the image above.")
    ])
})

/** Comes and goes with test_trigger_prompt_change. */
export const late = Prompt.make("test_prompt_added_while_running", {
  description: "A prompt that was not there at first",
  handler: () => Effect.succeed("Here for now")
})

export const all = [simple, withArguments, withEmbeddedResource, withImage] as const
