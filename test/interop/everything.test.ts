/** The example that has everything, in one process, under both official clients over all it speaks HTTP with. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import * as oracle from "./oracle.ts"
import * as proxy from "./proxy.ts"
import * as recorder from "./recorder.ts"
import * as suite from "./suite.ts"
import * as v1 from "./v1.ts"
import * as v2 from "./v2.ts"

const { outcome, text } = suite

let target: harness.HttpTarget

beforeAll(async () => {
  target = await harness.startEverything()
}, 25_000)

afterAll(async () => {
  target?.signal("SIGKILL")
  await target?.ended
})

for (const { client } of [v1, v2]) {
  for (const version of client.versions) {
    describe(`${client.name} in ${version} over Streamable HTTP`, () =>
      describeFeatures(version, "/mcp", client.overHttp))
  }
  describe(`${client.name} in 2025-11-25 over HTTP+SSE`, () => describeFeatures("2025-11-25", "/sse", client.overSse))
}

/** Every feature once. */
function describeFeatures(
  version: suite.Version,
  path: "/mcp" | "/sse",
  connect: suite.OfficialClient["overHttp"]
): void {
  const isStateful = version !== "2026-07-28"
  const isResumable = isStateful && path === "/mcp"
  const { fetch, requests } = recorder.make()
  let session: suite.Session

  beforeAll(async () => {
    session = await connect(new URL(path, target.url), { version, isKnown: false, isCapable: true, fetch })
    await session.listTools()
  }, 25_000)

  afterAll(() => session?.close())

  beforeEach(() => {
    Object.assign(session.answers, suite.makeAnswers())
  })

  afterEach(() => {
    expect(session.complaints.splice(0)).toEqual([])
  })

  const call = async (name: string, args?: Record<string, unknown>) => text(await session.call(name, args))

  it("learns who serves, and what there is", async () => {
    expect(session.version).toBe(version)
    expect(session.server).toMatchObject({ name: "everything", title: "Everything", version: "1.0.0" })
    expect(session.instructions).toBe("A server to try clients on.")
    expect(session.capabilities).toMatchObject({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {}
    })
  })

  it("lists tools and calls them", async () => {
    const tools = await session.listTools()
    expect(tools[0]).toMatchObject({ name: "test_simple_text", inputSchema: { type: "object" } })
    expect(tools.map(({ name }) => name)).toContain("test_reconnection")
    expect(await call("test_simple_text")).toBe("This is a simple text response for testing.")
    const sum = await session.call("add", { a: 1.5, b: 2 })
    expect(text(sum)).toBe("3.5")
    expect(sum.structuredContent).toBe(isStateful ? undefined : 3.5)
    expect(await call("json_schema_2020_12_tool", { name: "Ada", contactMethod: "email", email: "ada@example.com" }))
      .toBe("Ada is reached at ada@example.com")
    expect(await call("test_missing_capability")).toBe("The client can sample")
    // No connection is closed that could not be resumed.
    if (!isResumable) expect(await call("test_reconnection")).toContain("completed successfully")
    expect((await outcome(session.call("no_such_tool"))).error).toMatchObject({ code: -32602 })
  })

  it("gets content of every kind, and errors of tools", async () => {
    const types = async (name: string) => (await session.call(name)).content.map(({ type }) => type)
    expect(await types("test_image_content")).toEqual(["image"])
    expect(await types("test_audio_content")).toEqual(["audio"])
    expect(await types("test_embedded_resource")).toEqual(["resource"])
    expect(await types("test_multiple_content_types")).toEqual(["text", "image", "resource"])
    expect(await session.call("test_error_handling")).toMatchObject({
      isError: true,
      content: [{ type: "text", text: "This tool intentionally returns an error for testing" }]
    })
  })

  it("lists and reads resources", async () => {
    expect((await session.list("resources")).map(({ uri }) => uri).slice(0, 3)).toEqual([
      "test://static-text",
      "test://static-binary",
      "test://watched-resource"
    ])
    expect((await session.list("resourceTemplates"))[0]).toMatchObject({
      uriTemplate: "test://template/{id}/data",
      name: "template-data"
    })
    expect((await session.read("test://static-text")).contents).toMatchObject([
      { uri: "test://static-text", text: "This is the content of the static text resource." }
    ])
    expect((await session.read("test://static-binary")).contents).toMatchObject([
      { mimeType: "image/png", blob: expect.stringMatching(/^iVBOR/) }
    ])
    const [data] = (await session.read("test://template/7/data")).contents as Array<any>
    expect(JSON.parse(data.text)).toEqual({ id: "7", templateTest: true, data: "Data for ID: 7" })
    expect((await outcome(session.read("test://nothing"))).error).toBeInstanceOf(Error)
  })

  it("lists and gets prompts", async () => {
    expect((await session.list("prompts")).map(({ name }) => name)).toContain("test_prompt_with_image")
    expect((await session.getPrompt("test_simple_prompt")).messages).toMatchObject([
      { role: "user", content: { text: "This is a simple prompt for testing." } }
    ])
    expect((await session.getPrompt("test_prompt_with_arguments", { arg1: "a", arg2: "b" })).messages).toMatchObject([
      { content: { text: "Prompt with arguments: arg1='a', arg2='b'" } }
    ])
    const embedded = await session.getPrompt("test_prompt_with_embedded_resource", { resourceUri: "test://x" })
    expect(embedded.messages).toMatchObject([{ content: { type: "resource" } }, { content: { type: "text" } }])
    expect((await session.getPrompt("test_prompt_with_image")).messages).toMatchObject([
      { content: { type: "image" } },
      { content: { type: "text" } }
    ])
  })

  it("completes", async () => {
    const prompt = { prompt: "test_prompt_with_arguments" }
    expect((await session.complete(prompt, { name: "arg1", value: "hel" })).values).toEqual(["hello", "help"])
    expect((await session.complete(prompt, { name: "arg2", value: "" }, { arg1: "hello" })).values).toEqual(["world"])
    expect((await session.complete({ template: "test://template/{id}/data" }, { name: "id", value: "12" })).values)
      .toEqual(["123"])
  })

  it("hears the log from the level it asked for", async () => {
    if (isStateful) await session.setLevel("warning")
    session.logs.length = 0
    await session.call("test_logging_tool", {}, { logLevel: "warning" })
    expect(session.logs.map(({ data }) => data)).toEqual(["Logging tool has a doubt", "Logging tool has no doubt"])
  })

  it("follows progress", async () => {
    const seen: Array<number> = []
    await session.call("test_tool_with_progress", {}, { onprogress: ({ progress }) => seen.push(progress) })
    const told = session.frames.filter(({ method }) => method === "notifications/progress")
    expect(told.map(({ params }) => params.progress)).toEqual([0, 50, 100])
    // The last may come with the answer, and get lost in the client: modelcontextprotocol/typescript-sdk#2580.
    expect(seen.slice(0, 2)).toEqual([0, 50])
  })

  it("answers for its user, its model and itself", async () => {
    session.answers.elicit = ({ message }) => ({
      action: "accept",
      content: message === "Who?" ? { username: "ada", email: "ada@example.com" } : { name: "Ada" }
    })
    session.answers.sample = ({ messages }) => ({
      role: "assistant",
      model: "m",
      content: { type: "text", text: `${[messages[0].content].flat()[0].text} Indeed.` }
    })
    session.answers.roots = () => ({ roots: [{ uri: "file:///home/ada" }] })
    expect(await call("test_elicitation", { message: "Who?" })).toBe(
      "User response: action=accept, content={\"username\":\"ada\",\"email\":\"ada@example.com\"}"
    )
    expect(await call("test_sampling", { prompt: "So?" })).toBe("LLM response: So? Indeed.")
    expect(await call("test_input_required_result_list_roots")).toBe("Roots: file:///home/ada")
    expect(await call("test_input_required_result_multiple_inputs")).toContain("Ada, who works in 1 places")
    session.answers.elicit = () => ({ action: "decline" })
    expect(await call("test_elicitation", { message: "Who?" })).toBe("User response: action=decline")
  })

  it("hears of lists and of a resource that change", async () => {
    await session.watchTools()
    await session.watchLists()
    const stop = await session.watch("test://watched-resource")
    const before = session.changes()
    session.news.length = 0
    for (const change of ["Added", "Removed"]) {
      expect(await call("test_trigger_tool_change")).toBe(`${change} a tool`)
      expect(await call("test_trigger_prompt_change")).toBe(`${change} a prompt`)
      const heard = change === "Added" ? 1 : 2
      await harness.until("word of the tools", () => session.changes() === before + heard)
      await harness.until("word of the prompts", () => session.news.filter((one) => one === "prompts").length === heard)
    }
    const count = await call("test_update_watched_resource")
    await harness.until("word of the resource", () => session.news.includes("test://watched-resource"))
    expect((await session.read("test://watched-resource")).contents).toMatchObject([{ text: count }])
    await stop()
    await call("test_update_watched_resource")
    expect(session.news).toEqual(["prompts", "prompts", "test://watched-resource"])
  })

  it("has sent what its transport sends", () => {
    const ways = new Set(requests.map(({ method, url }) => `${method} ${url.pathname}`))
    expect([...ways]).toEqual(
      path === "/sse"
        ? ["GET /sse", "POST /messages"]
        : isStateful
        ? ["POST /mcp", "GET /mcp"]
        : ["POST /mcp"]
    )
    expect(requests.filter(({ method }) => method === "GET")).toHaveLength(isStateful ? 1 : 0)
  })

  it.skipIf(!oracle.has(version))("got nothing that the official schema has not", () => {
    expect(session.frames.length).toBeGreaterThan(40)
    expect(oracle.faultsOf(session, version)).toEqual([])
  })

  if (!isStateful) return
  it("ends its session", async () => {
    const post = requests.findLast(({ method }) => method === "POST")!
    const headers = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-session-id": post.headers.get("mcp-session-id") ?? ""
    }
    const notification = JSON.stringify({ jsonrpc: "2.0", method: "notifications/roots/list_changed" })
    const statusOf = async (method: "POST" | "GET" | "DELETE") => {
      const body = method === "POST" ? { body: notification } : {}
      const { body: rest, status } = await globalThis.fetch(post.url, { method, headers, ...body })
      await rest?.cancel()
      return status
    }
    if (path === "/mcp") {
      expect(await statusOf("POST")).toBe(202)
      await session.terminate()
      const deletion = requests.at(-1)!
      expect(deletion).toMatchObject({ method: "DELETE", status: 204 })
      for (const method of ["POST", "GET", "DELETE"] as const) expect(await statusOf(method)).toBe(404)
      await session.close()
    } else {
      expect(await statusOf("POST")).toBe(202)
      await session.close()
      // The server hears of it in its own time.
      while (await statusOf("POST") !== 404);
    }
  })
}

describe("streams that are resumed", () => {
  /** One of a kind whose server sees a connection break, and one whose server does not. */
  let wires: ReadonlyArray<proxy.Proxy>
  let guests: ReadonlyArray<suite.Session & { readonly record: recorder.Recorder }>

  beforeAll(async () => {
    wires = [await proxy.make(target.url), await proxy.make(target.url, { tellsServer: false })]
    const [loud, silent] = wires.map(({ url }) => url) as [URL, URL]
    guests = await Promise.all(
      ([
        [v1, "2025-06-18", loud],
        [v1, "2025-11-25", silent],
        [v2, "2025-06-18", silent],
        [v2, "2025-11-25", loud]
      ] as const).map(async ([{ client }, version, url]) => {
        const record = recorder.make()
        const options = { version, isKnown: false, fetch: record.fetch, reconnectionDelay: 1 }
        return { ...await client.overHttp(url, options), record }
      })
    )
  }, 25_000)

  afterAll(async () => {
    for (const guest of guests ?? []) await guest.close()
    for (const wire of wires ?? []) await wire.close()
  })

  const each = (f: (guest: typeof guests[number]) => Promise<void>) => Promise.all(guests.map(f))

  const isPolling = ({ version }: suite.Session) => version === "2025-11-25"

  const since = (guest: typeof guests[number], begun: number) => guest.record.requests.filter(({ at }) => at >= begun)

  it("bring the answer of a tool that closes its connection to who waits, and comes back", async () => {
    await each(async (guest) => {
      const begun = performance.now()
      expect(text(await guest.call("test_reconnection"))).toContain("the client properly reconnected")
      const [post, ...more] = since(guest, begun)
      expect(post).toMatchObject({ method: "POST", rpc: "tools/call", status: 200 })
      if (!isPolling(guest)) return expect(more).toEqual([])
      expect(more).toMatchObject([{ method: "GET", status: 200 }])
      expect(more[0]!.headers.get("last-event-id")).toMatch(/\.0$/)
      // It would come back at once, but for the second it was told to wait; timers may be a little early.
      expect(more[0]!.at - post!.at).toBeGreaterThan(990)
      expect(guest.complaints.splice(0)).toEqual([])
    })
  })

  it("lose nothing and repeat nothing when the connection breaks", async () => {
    // Long enough to still be at work when clients that were told to come back after a second do.
    const durationMs = 1_800
    const steps = Array.from({ length: durationMs / 100 + 1 }, (_, step) => step * 100)
    const seen = new Map<suite.Session, Array<number>>()
    const begun = performance.now()
    const calls = each(async (guest) => {
      const told: Array<number> = []
      seen.set(guest, told)
      const result = await guest.call("test_tool_slow", { durationMs }, {
        onprogress: ({ progress }) => told.push(progress)
      })
      expect(text(result)).toBe(`Worked for ${durationMs} ms`)
    })
    await harness.until("progress for all", () => guests.every((guest) => (seen.get(guest)?.length ?? 0) >= 3))
    for (const wire of wires) wire.cut()
    await calls
    for (const guest of guests) {
      const told = guest.frames.filter(({ method }) => method === "notifications/progress")
      expect(told.map(({ params }) => params.progress)).toEqual(steps)
      // Here, too, the last comes with the answer.
      expect(seen.get(guest)!.slice(0, steps.length - 1)).toEqual(steps.slice(0, -1))
      // Both streams come back: the one of changes, and the one of the call, after the last event that came on it.
      const resumed = since(guest, begun).filter(({ method }) => method === "GET")
      expect(resumed.map(({ status }) => status)).toEqual([200, 200])
      expect(resumed.filter(({ headers }) => /^(?!0\.)\w+\.\d+$/.test(headers.get("last-event-id") ?? "")))
        .toHaveLength(1)
      // Each was told of the break, once a stream.
      expect(guest.complaints.splice(0).filter(({ message }) => !message.startsWith("SSE stream disconnected")))
        .toEqual([])
    }
  })

  it("go on with what answers no request, too", async () => {
    await each(async (guest) => {
      guest.news.length = 0
      await guest.watch("test://watched-resource")
    })
    await guests[0]!.call("test_update_watched_resource")
    await each(async (guest) => {
      await harness.until("word of the resource", () => guest.news.length > 0)
      expect(guest.news).toEqual(["test://watched-resource"])
    })
  })

  it("of a call that is cancelled are not asked for again and again", async () => {
    const begun = performance.now()
    await each(async (guest) => {
      const controller = new AbortController()
      const cancelled = await outcome(guest.call("test_tool_slow", {}, {
        signal: controller.signal,
        onprogress: () => controller.abort()
      }))
      expect(cancelled.error).toBeInstanceOf(Error)
      await harness.until(
        "the client to come back",
        () => since(guest, begun).some(({ method, status }) => method === "GET" && status !== 0)
      )
    })
    // Once more, and it would be by now.
    await each(async (guest) => {
      await guest.call("test_reconnection")
    })
    for (const guest of guests) {
      const [first, ...more] = since(guest, begun).filter(({ method }) => method === "GET")
      expect(first!.status).toBe(204)
      expect(more.map(({ status }) => status)).toEqual(isPolling(guest) ? [200] : [])
      // One may have been on its way.
      const complaints = guest.complaints.splice(0).map(({ message }) => message)
      expect(complaints.filter((message) => !message.includes("progress notification for an unknown token"))).toEqual(
        []
      )
    }
  })

  it("got nothing that the official schema has not", () => {
    for (const guest of guests) {
      if (oracle.has(guest.version!)) expect(oracle.faultsOf(guest, guest.version!)).toEqual([])
    }
  })
})
