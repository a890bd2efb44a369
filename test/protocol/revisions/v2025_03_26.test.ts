import { assert, describe, it } from "@effect/vitest"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as models from "./models.ts"

const revision = Revisions.v2025_03_26
const projected = (method: string, result: object) => models.projected(revision, method, result)

describe("a peer of 2025-03-26", () => {
  it("may send batches, and is the only one", () =>
    assert.deepStrictEqual(Revisions.all.filter(({ batches }) => batches), [revision]))

  it("reads completions among the capabilities, and still a server's name and version alone", () => {
    const { capabilities, serverInfo } = projected("initialize", models.initialized)
    assert.deepStrictEqual(capabilities, models.capabilities)
    assert.deepStrictEqual(serverInfo, { name: "acme", version: "1.0.0" })
  })

  it("reads a tool's annotations, with the tool's title unless they have their own", () => {
    const read = (tool: object) => projected("tools/list", { tools: [tool] }).tools[0]
    assert.deepStrictEqual(read(models.tool), {
      name: "add",
      description: "Adds",
      inputSchema: models.tool.inputSchema,
      annotations: { title: "Add", readOnlyHint: true }
    })
    assert.deepStrictEqual(read({ ...models.tool, annotations: { title: "Own" } }).annotations, { title: "Own" })
    const { annotations: _, title: __, ...plain } = models.tool
    assert.notProperty(read(plain), "annotations")
  })

  it("hears audio, in results and in questions, and reads where a link leads", () => {
    const annotations = { audience: ["user"], priority: 0.5 }
    const audio = { type: "audio", data: "aGVsbG8=", mimeType: "audio/wav", annotations }
    assert.deepStrictEqual(projected("tools/call", { content: [models.audio, models.link] }).content, [
      audio,
      { type: "text", text: models.linkInWords, annotations }
    ])
    const { messages } = models.asked(revision, "sampling/createMessage", {
      maxTokens: 1,
      messages: [{ role: "user", content: models.audio }]
    })
    assert.deepStrictEqual(messages, [{ role: "user", content: audio }])
  })

  it("reads progress with its message", () => assert.isUndefined(revision.projectNotification))

  it("cannot be asked for forms", () => {
    assert.notProperty(revision.serverRequests, "elicitation/create")
    assert.deepStrictEqual(revision.clientCapabilities({ elicitation: {} }), {})
  })
})
