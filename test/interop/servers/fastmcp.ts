/** punkpeye `fastmcp`: `stdio`, or `http PORT` with sessions at `/mcp`, and 2024-11-05 at `/sse`. */
import { FastMCP } from "fastmcp"
import { z } from "zod"
import * as fixtures from "./fixtures.ts"

const silent = () => {}

const server = new FastMCP({
  ...fixtures.info,
  version: "1.2.3",
  instructions: fixtures.instructions,
  ping: { enabled: false },
  logger: { debug: silent, info: silent, log: silent, warn: silent, error: silent }
})

/** That of a call; it is no part of what a tool is given. */
const sessionOf = (id: string | undefined) => server.sessions.find(({ sessionId }) => sessionId === id)!

server.addTool({
  name: "add",
  parameters: z.object({ a: z.number(), b: z.number() }),
  outputSchema: z.object({ sum: z.number() }),
  execute: async ({ a, b }) => ({ sum: a + b })
})
server.addTool({ name: "fail", execute: async () => ({ ...fixtures.text("It failed"), isError: true }) })
server.addTool({
  name: "climb",
  execute: async (_, { reportProgress }) => {
    for (const progress of [1, 2, 3]) await reportProgress({ progress, total: 3, message: `step ${progress}` })
    return "there"
  }
})
server.addTool({
  name: "hang",
  parameters: z.object({ key: z.string() }),
  execute: async ({ key }, { signal }) => {
    await fixtures.hang(key, signal)
    return "never seen"
  }
})
server.addTool({
  name: "say",
  execute: async (_, { log }) => {
    log.debug("debug")
    log.info("info")
    log.warn("warning")
    log.error("error")
    return "said"
  }
})
server.addTool({
  name: "ask",
  execute: async (_, { elicit }) => {
    const { action, content } = await elicit({ message: "Who?", requestedSchema: fixtures.form })
    return `${action} ${JSON.stringify(content)}`
  }
})
server.addTool({
  name: "visit",
  execute: async (_, { elicit }) => {
    const { action } = await elicit({
      mode: "url",
      message: "Please pay",
      url: "https://example.com/pay",
      elicitationId: "pay"
    })
    return action
  }
})
server.addTool({
  name: "think",
  execute: async (_, { sessionId }) => {
    const { content, model } = await sessionOf(sessionId).requestSampling({
      messages: [{ role: "user", content: { type: "text", text: "2 and 3?" } }],
      maxTokens: 10
    })
    return `${model}: ${JSON.stringify(content)}`
  }
})
server.addTool({
  name: "where",
  execute: async (_, { sessionId }) => JSON.stringify(sessionOf(sessionId).roots)
})
server.addTool({
  name: "bump",
  execute: async () => {
    const count = fixtures.counter.bump()
    await server.sendResourceUpdated("note://counter")
    return count
  }
})
const late = { name: "late", execute: async () => "late" }
server.addTool({
  name: "toggle",
  execute: async () => {
    server.addTool(late)
    server.removeTool(late.name)
    return "done"
  }
})

const note = (uri: string, read: () => string) =>
  server.addResource({ uri, name: uri, mimeType: "text/plain", load: async () => ({ text: read() }) })
note("note://welcome", () => fixtures.welcome)
note("note://counter", fixtures.counter.get)
for (const uri of fixtures.pages) note(uri, () => uri)
server.addResourceTemplate({
  uriTemplate: "people://{name}",
  name: "person",
  arguments: [{ name: "name", required: true }],
  load: async ({ name }) => ({ text: `This is ${name}` })
})
server.addPrompt({
  name: "greeting",
  arguments: [{
    name: "name",
    required: true,
    complete: async (value) => ({ values: fixtures.people.filter((name) => name.startsWith(value)) })
  }],
  load: async ({ name }) => `Hello, ${name}!`
})

server.on("disconnect", () => fixtures.event("session closed"))

await server.start(
  fixtures.mode === "http"
    ? { transportType: "httpStream", httpStream: { port: Number(fixtures.port), host: "127.0.0.1", endpoint: "/mcp" } }
    : { transportType: "stdio" }
)
