/** How this client answers: for a user who agrees to everything, for a model of few words, and for the folder it is in. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { McpSchema } from "fastmcp-effect"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"

type Field = McpSchema.ElicitFormParams["requestedSchema"]["properties"][string]

/** What somebody would write who wants to be done with it. */
const fill = ({ enum: values, type }: Field): string | number | boolean => {
  if (type === "boolean") return true
  if (type === "integer" || type === "number") return 1
  const [first] = Array.isArray(values) ? values : []
  return typeof first === "string" ? first : "Ada"
}

/** Fields that are left out get the form's defaults, so only those without one are filled in. */
const user = ClientHandlers.elicitation({
  form: ({ requestedSchema: { properties, required = [] } }) =>
    Effect.succeed(ClientHandlers.accept(Object.fromEntries(
      required.flatMap((name) => {
        const field = properties[name]
        return field === undefined || field.default !== undefined ? [] : [[name, fill(field)]]
      })
    )))
})

const model = ClientHandlers.sampling({
  createMessage: () => Effect.succeed({ role: "assistant", model: "example", content: { type: "text", text: "Paris" } })
})

const folders = ClientHandlers.roots([{ uri: "file:///home/ada/project", name: "project" }])

export const layer = Layer.mergeAll(user, model, folders)
