/** Resources and prompts of the server the requirements are tried on. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Content from "fastmcp-effect/definition/Content"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"

export const bytes = Uint8Array.from([0, 1, 2, 253, 254, 255])

export const base64 = Buffer.from(bytes).toString("base64")

export const names: ReadonlyArray<string> = Array.from({ length: 130 }, (_, index) => `name-${index}`)

const cities = ["Berlin", "Bern", "Paris"]

export const definitions = {
  resources: [
    Resource.text("fixture://text", "plain text", { title: "Text" }),
    Resource.bytes("fixture://bytes", bytes, { mimeType: "image/png" }),
    ResourceTemplate.make("fixture://files/{name}", {
      name: "files",
      mimeType: "text/plain",
      handler: ({ name }) => Effect.succeed(name === "none" ? undefined : `the file ${name}`)
    }),
    ResourceTemplate.make("fixture://cities/{city}", {
      name: "cities",
      complete: { city: cities },
      handler: ({ city }) => Effect.succeed(city)
    })
  ],
  prompts: [
    Prompt.make("greet", {
      description: "Greets somebody",
      arguments: { name: Schema.String, times: Schema.optionalKey(Schema.FiniteFromString) },
      complete: { name: names },
      handler: ({ name, times = 1 }) =>
        Effect.succeed(Array.from({ length: times }, () => Prompt.user(`Hello, ${name}`)))
    }),
    Prompt.make("media", {
      handler: () =>
        Effect.succeed([
          Prompt.user(Content.image(bytes, "image/png")),
          Prompt.user(Content.audio(bytes, "audio/wav")),
          Prompt.user(Content.resource({ uri: "fixture://text", mimeType: "text/plain", text: "plain text" })),
          Prompt.user(Content.resource({ uri: "fixture://bytes", mimeType: "image/png", blob: base64 }))
        ])
    })
  ]
} as const

export const extraResource = Resource.text("fixture://extra", "extra")
