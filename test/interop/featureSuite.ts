/** What every official client must find of resources, prompts, content and questions, in each era it speaks. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import * as oracle from "./oracle.ts"
import * as suite from "./suite.ts"

const { outcome, text } = suite

export const base64 = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 255]).toString("base64")

/** The tests of one client: each era over each transport. */
export const describeClient = (client: suite.OfficialClient): void => {
  for (const transport of ["stdio", "http"] as const) {
    for (const version of client.versions) {
      describe(`features for ${client.name} in ${version} over ${transport}`, () => {
        describeFeatures(client, transport, version)
      })
    }
  }
}

const describeFeatures = (client: suite.OfficialClient, transport: suite.Transport, version: suite.Version): void => {
  const isStateful = version !== "2026-07-28"
  let connected: suite.Connected
  let session: suite.Session

  beforeAll(async () => {
    connected = await suite.connect(transport, client, { version, isKnown: true, isCapable: true })
    session = connected.session
    await session.listTools()
  }, 25_000)

  afterAll(() => connected?.close(), 25_000)

  beforeEach(() => {
    Object.assign(session.answers, suite.makeAnswers())
  })

  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(`The server's last words:\n${connected.stderr().slice(-2_000)}`)
    expect(session.complaints.splice(0)).toEqual([])
  })

  const counted = (event: string) => connected.events().filter((each) => each === event).length

  /** A tool that asks, and the answer it ends with. */
  const ask = async (name: string, args?: Record<string, unknown>) => text(await session.call(name, args))

  // --------------------------------------------------------------------------
  // resources
  // --------------------------------------------------------------------------

  it("learns that there are resources, prompts and completions", { timeout: 3_000 }, () => {
    expect(session.capabilities).toMatchObject({
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {}
    })
  })

  it("lists resources, those of templates too", { timeout: 3_000 }, async () => {
    const resources = await session.list("resources")
    expect(resources.map(({ uri }) => uri)).toEqual([
      "note://welcome",
      "note://pixel.png",
      "note://settings",
      "note://bundle",
      "note://counter",
      "note://fresh",
      "note://locked",
      "people://ada/profile",
      "people://alan/profile",
      "people://grace/profile"
    ])
    expect(resources[0]).toEqual({
      uri: "note://welcome",
      name: "welcome",
      title: "Welcome",
      description: "Text that never changes",
      mimeType: "text/markdown",
      size: 28,
      annotations: { audience: ["user"], priority: 0.5 },
      _meta: { "fastmcp-effect/tags": ["static"] }
    })
    expect(resources[1]).toEqual({ uri: "note://pixel.png", name: "pixel.png", mimeType: "image/png", size: 10 })
    expect(resources[2]).toMatchObject({ name: "settings", mimeType: "application/json" })
    expect(resources[7]).toMatchObject({ name: "ada", title: "Profile of ada", mimeType: "application/json" })
  })

  it("reads text, bytes, a value and several contents", { timeout: 3_000 }, async () => {
    expect((await session.read("note://welcome")).contents).toEqual([
      { uri: "note://welcome", mimeType: "text/markdown", text: "Grüße ≠ 🙂\nand welcome" }
    ])
    expect((await session.read("note://pixel.png")).contents).toEqual([
      { uri: "note://pixel.png", mimeType: "image/png", blob: base64 }
    ])
    const [settings] = (await session.read("note://settings")).contents as Array<any>
    expect(settings).toMatchObject({ uri: "note://settings", mimeType: "application/json" })
    expect(JSON.parse(settings.text)).toEqual({ since: "1970-01-01T00:00:00.000Z", theme: "dark" })
    expect((await session.read("note://bundle")).contents).toEqual([
      { uri: "note://bundle/text", mimeType: "text/plain", text: "one" },
      { uri: "note://bundle/blob", mimeType: "application/octet-stream", blob: base64 },
      { uri: "note://bundle", text: "of the bundle itself" }
    ])
  })

  it("lists templates, and reads what their URIs name", { timeout: 3_000 }, async () => {
    const templates = await session.list("resourceTemplates")
    expect(templates).toEqual([
      {
        uriTemplate: "people://{name}/profile",
        name: "person",
        title: "A person",
        description: "One of those that are listed",
        mimeType: "application/json"
      },
      { uriTemplate: "search://notes{?q,limit}", name: "search" }
    ])
    const profile = `people://${encodeURIComponent("Zoë O'Neil")}/profile`
    expect((await session.read(profile)).contents).toEqual([
      { uri: profile, mimeType: "application/json", text: "{\"name\":\"Zoë O'Neil\"}" }
    ])
    expect((await session.read("search://notes?q=a%20b&limit=3")).contents).toMatchObject([
      { text: "3 notes about a b" }
    ])
    expect((await session.read("search://notes")).contents).toMatchObject([{ text: "10 notes about anything" }])
  })

  it("gets the error of its era for a resource that does not exist", { timeout: 3_000 }, async () => {
    const code = isStateful ? -32002 : -32602
    // No such resource, no such value of a template, and no such scheme.
    for (const uri of ["note://nowhere", "people://nobody/profile", "gopher://old"]) {
      const { error } = await outcome(session.read(uri))
      expect(error).toMatchObject({ data: { uri } })
      // One of the clients makes one code of both.
      expect(session.frames.at(-1).error).toMatchObject({ code, data: { uri } })
    }
    // A value that does not fit is the caller's mistake in each era.
    const { error } = await outcome(session.read("search://notes?limit=many"))
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining("limit") })
  })

  it("does not read outside of a template's segment", { timeout: 3_000 }, async () => {
    const { error } = await outcome(session.read("people://..%2F..%2Fetc/profile"))
    expect(error).toMatchObject({ code: -32602 })
  })

  it("hears of a resource it watches, until it stops", { timeout: 5_000 }, async () => {
    session.news.length = 0
    const stop = await session.watch("note://counter")
    const count = Number(await ask("bump"))
    await harness.until("word of the update", () => session.news.includes("note://counter"))
    expect(session.news).toEqual(["note://counter"])
    expect((await session.read("note://counter")).contents).toMatchObject([{ text: String(count) }])
    await stop()
    await ask("bump")
    await ask("bump")
    expect(session.news).toEqual(["note://counter"])
  })

  if (isStateful) {
    it("cannot watch a resource that does not exist", { timeout: 3_000 }, async () => {
      expect((await outcome(session.watch("note://nowhere"))).error).toBeInstanceOf(Error)
      expect(session.frames.at(-1).error).toMatchObject({ code: -32002 })
    })
  } else {
    it("keeps what it reads as long as it may", { timeout: 3_000 }, async () => {
      const before = counted("read note://fresh")
      expect(await session.read("note://fresh")).toMatchObject({ ttlMs: 60_000, cacheScope: "private" })
      await session.read("note://fresh")
      expect(counted("read note://fresh")).toBe(before + 1)
    })
  }

  it("hears that resources and prompts have changed", { timeout: 5_000 }, async () => {
    await session.watchLists()
    session.news.length = 0
    expect(await ask("swap")).toBe("added")
    await harness.until("word of both", () => session.news.includes("resources") && session.news.includes("prompts"))
    expect((await session.list("resources")).map(({ uri }) => uri)).toContain("note://guest")
    expect((await session.list("prompts")).map(({ name }) => name)).toContain("guest")
    expect((await session.read("note://guest")).contents).toMatchObject([{ text: "here for now" }])
    expect((await session.getPrompt("guest")).messages).toHaveLength(1)
    expect(await ask("swap")).toBe("removed")
    expect((await outcome(session.read("note://guest"))).error).toBeInstanceOf(Error)
    expect((await session.list("prompts")).map(({ name }) => name)).not.toContain("guest")
  })

  // --------------------------------------------------------------------------
  // prompts and completion
  // --------------------------------------------------------------------------

  it("lists prompts with their arguments", { timeout: 3_000 }, async () => {
    const prompts = await session.list("prompts")
    expect(prompts.map(({ name }) => name)).toEqual(["greeting", "album", "invitation", "closed"])
    expect(prompts[0]).toMatchObject({
      title: "A greeting",
      description: "Greets somebody",
      arguments: [{ name: "name", required: true }, { name: "country" }, { name: "city" }, { name: "times" }]
    })
    // The clients drop the title of an argument.
    expect(session.frames.at(-1).result.prompts[0]).toEqual({
      name: "greeting",
      title: "A greeting",
      description: "Greets somebody",
      arguments: [
        { name: "name", title: "Name", description: "Who is greeted", required: true },
        { name: "country", required: false },
        { name: "city", required: false },
        { name: "times", required: false }
      ]
    })
  })

  it("gets a prompt for its arguments", { timeout: 3_000 }, async () => {
    expect(await session.getPrompt("greeting", { name: "Ada", city: "Graz", times: "2" })).toMatchObject({
      description: "Greets somebody",
      messages: [{ role: "user", content: { type: "text", text: "Hello Hello Ada from Graz" } }]
    })
  })

  it("gets a prompt's images, sounds and resources", { timeout: 3_000 }, async () => {
    const { messages } = await session.getPrompt("album")
    expect(messages).toEqual([
      { role: "user", content: { type: "text", text: "Look at these" } },
      {
        role: "user",
        content: {
          type: "image",
          data: base64,
          mimeType: "image/png",
          annotations: { audience: ["assistant"], priority: 1 }
        }
      },
      { role: "user", content: { type: "audio", data: base64, mimeType: "audio/wav" } },
      {
        role: "user",
        content: {
          type: "resource",
          resource: { uri: "note://welcome", mimeType: "text/markdown", text: "embedded" }
        }
      },
      {
        role: "user",
        content: { type: "resource", resource: { uri: "note://pixel.png", mimeType: "image/png", blob: base64 } }
      },
      {
        role: "user",
        content: { type: "resource_link", uri: "note://welcome", name: "welcome", title: "Welcome" }
      },
      { role: "assistant", content: { type: "text", text: "I see" } }
    ])
  })

  it("is refused a prompt with arguments that are missing, unknown or misfit", { timeout: 3_000 }, async () => {
    for (
      const [args, fault] of [
        [undefined, "name"],
        [{ name: "Ada", colour: "red" }, "colour"],
        [{ name: "Ada", times: "often" }, "times"]
      ] as const
    ) {
      const { error } = await outcome(session.getPrompt("greeting", args))
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(fault) })
    }
    expect((await outcome(session.getPrompt("nobody"))).error).toMatchObject({ code: -32602 })
    const { error } = await outcome(session.getPrompt("closed"))
    expect(error).toMatchObject({ code: -32600, message: expect.stringContaining("closed today") })
  })

  it("completes a prompt's argument", { timeout: 3_000 }, async () => {
    const greeting = { prompt: "greeting" }
    expect(await session.complete(greeting, { name: "country", value: "A" })).toEqual({ values: ["austria", "norway"] })
    expect(await session.complete(greeting, { name: "city", value: "" })).toEqual({ values: [] })
    expect(await session.complete(greeting, { name: "city", value: "V" }, { country: "austria" })).toEqual({
      values: ["Vienna"]
    })
    const { hasMore, total, values } = await session.complete(greeting, { name: "times", value: "" })
    expect({ hasMore, total, values: values.length }).toEqual({ hasMore: true, total: 150, values: 100 })
    expect(await session.complete(greeting, { name: "name", value: "A" })).toEqual({ values: [] })
    for (const prompt of ["greeting", "nobody"]) {
      const { error } = await outcome(session.complete({ prompt }, { name: "size", value: "" }))
      expect(error).toMatchObject({ code: -32602 })
    }
  })

  it("completes a template's variable", { timeout: 3_000 }, async () => {
    const person = { template: "people://{name}/profile" }
    expect(await session.complete(person, { name: "name", value: "a" })).toEqual({ values: ["ada", "alan", "grace"] })
    const search = { template: "search://notes{?q,limit}" }
    expect(await session.complete(search, { name: "limit", value: "2" }, { q: "tea" })).toEqual({
      values: ["20", "q is tea"]
    })
    expect((await session.complete(search, { name: "limit", value: "" })).values).toContain("q is not known")
  })

  // --------------------------------------------------------------------------
  // content
  // --------------------------------------------------------------------------

  it("gets content of every kind", { timeout: 3_000 }, async () => {
    const { _meta, content } = await session.call("gallery")
    expect(content).toEqual([
      { type: "text", text: "text", annotations: { audience: ["user", "assistant"], priority: 0.25 } },
      { type: "image", data: base64, mimeType: "image/png", _meta: { "example.com/size": 10 } },
      { type: "audio", data: base64, mimeType: "audio/wav" },
      { type: "resource", resource: { uri: "note://welcome", mimeType: "text/markdown", text: "embedded" } },
      { type: "resource", resource: { uri: "note://pixel.png", mimeType: "image/png", blob: base64 } },
      {
        type: "resource_link",
        uri: "note://welcome",
        name: "welcome",
        title: "Welcome",
        description: "To be read",
        mimeType: "text/markdown",
        size: 25
      }
    ])
    expect(_meta).toMatchObject({ "example.com/made": "by hand" })
  })

  it("finds that structured content of each shape fits its schema", { timeout: 3_000 }, async () => {
    session.validated.length = 0
    await session.call("forecast", { city: "Oslo", days: 1 })
    expect(session.validated).toMatchObject([{ valid: true, value: { city: "Oslo" } }])
    session.validated.length = 0
    for (
      const [name, args, value] of [
        ["add", { a: 1, b: 2 }, 3],
        ["primes", {}, [2, 3, 5, 7]],
        ["flag", {}, false],
        ["nothing", {}, null]
      ] as const
    ) {
      const result = await session.call(name, args)
      expect(result.structuredContent).toEqual(isStateful ? undefined : value)
      expect(JSON.parse(text(result))).toEqual(value)
    }
    expect(session.validated).toEqual(
      isStateful ? [] : [3, [2, 3, 5, 7], false, null].map((value) => ({ value, valid: true }))
    )
  })

  it("gets the levels of the log from the one it asked for", { timeout: 3_000 }, async () => {
    const levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const
    for (const [index, level] of levels.entries()) {
      session.logs.length = 0
      if (isStateful) await session.setLevel(level)
      await session.call("shout", {}, isStateful ? {} : { logLevel: level })
      expect(session.logs.filter(({ data }) => levels.includes(data as any)))
        .toEqual(levels.slice(index).map((level) => ({ level, data: level })))
    }
  })

  it("has a session exactly where its revision has sessions", { timeout: 3_000 }, async () => {
    const visits = [await ask("visitor"), await ask("visitor")]
    expect(visits).toEqual(isStateful ? ["1", "2"] : ["-1", "-1"])
  })

  // --------------------------------------------------------------------------
  // questions
  // --------------------------------------------------------------------------

  const form = {
    name: "Ada",
    email: "ada@example.com",
    born: "1990-05-17T00:00:00.000Z",
    age: 36,
    size: "l",
    crust: "deep",
    extras: ["dip", "cake"]
  }

  it("is asked with a form of every kind of field, and its answer is read", { timeout: 3_000 }, async () => {
    const asked: Array<any> = []
    session.answers.elicit = (params) => {
      asked.push(params)
      return { action: "accept", content: form }
    }
    const { structuredContent } = await session.call("enrol")
    expect(asked).toHaveLength(1)
    const { message, requestedSchema } = asked[0]
    expect(message).toBe("Who are you, and what would you like?")
    expect(requestedSchema).toEqual({
      type: "object",
      properties: {
        name: { type: "string", minLength: 2, maxLength: 40, title: "Name", description: "As on the card" },
        email: { type: "string", format: "email" },
        born: { type: "string", format: "date-time" },
        age: { type: "integer", minimum: 18, maximum: 120 },
        weight: { type: "number", default: 70.5 },
        member: { type: "boolean", default: true },
        colour: { type: "string", enum: ["red", "green", "blue"], default: "green" },
        size: { type: "string", oneOf: [{ const: "s", title: "Small" }, { const: "l", title: "Large" }] },
        crust: { type: "string", enum: ["thin", "deep"], enumNames: ["Thin crust", "Deep pan"] },
        toppings: { type: "array", items: { type: "string", enum: ["ham", "corn", "olive"] }, default: ["corn"] },
        extras: {
          type: "array",
          minItems: 1,
          items: {
            anyOf: [
              { const: "dip", title: "A dip" },
              { const: "soda", title: "A soda" },
              { const: "cake", title: "A cake" }
            ]
          }
        },
        note: { type: "string" }
      },
      required: [
        "name",
        "email",
        "born",
        "age",
        "weight",
        "member",
        "colour",
        "size",
        "crust",
        "toppings",
        "extras"
      ]
    })
    // What was left out has the form's defaults.
    expect(structuredContent).toEqual({
      ...form,
      born: `number:${Date.parse(form.born)}`,
      weight: 70.5,
      member: true,
      colour: "green",
      toppings: ["corn"]
    })
  })

  it("overrides every default, and fills in what may be left out", { timeout: 3_000 }, async () => {
    const content = { ...form, weight: 3, member: false, colour: "blue", toppings: ["ham", "olive"], note: "" }
    session.answers.elicit = () => ({ action: "accept", content })
    const { structuredContent } = await session.call("enrol")
    expect(structuredContent).toEqual({ ...content, born: `number:${Date.parse(form.born)}` })
  })

  it("declines, dismisses, or answers what does not fit", { timeout: 3_000 }, async () => {
    for (
      const [answer, ending] of [
        [{ action: "accept", content: { sure: 7 } }, "Answered {\"sure\":7}"],
        [{ action: "decline" }, "Declined"],
        [{ action: "cancel" }, "Dismissed"],
        [{ action: "accept", content: { sure: 700 } }, "InvalidAnswer"],
        [{ action: "accept", content: { sure: "yes" } }, "InvalidAnswer"],
        [{ action: "accept", content: {} }, "InvalidAnswer"]
      ] as const
    ) {
      session.answers.elicit = () => answer
      expect(await ask("decide", { what: ending })).toBe(ending)
    }
  })

  it("may say no where that is an answer, and otherwise gets a tool error", { timeout: 3_000 }, async () => {
    session.answers.elicit = () => ({ action: "decline" })
    expect(await ask("perhaps")).toBe("no gift")
    const refused = await session.call("insist")
    expect(refused.isError).toBe(true)
    expect(text(refused)).toContain("declined")
    session.answers.elicit = () => ({ action: "accept", content: { gift: "a book", ok: true } })
    expect(await ask("perhaps")).toBe("a book")
    expect(await ask("insist")).toBe("it is")
  })

  it("is sent to a page", { timeout: 3_000 }, async () => {
    const asked: Array<any> = []
    for (
      const [action, ending] of [["accept", "Answered"], ["decline", "Declined"], ["cancel", "Dismissed"]] as const
    ) {
      session.answers.elicit = (params) => {
        asked.push(params)
        return { action }
      }
      expect(await ask("visit")).toBe(ending)
    }
    expect(asked).toHaveLength(3)
    expect(asked[0]).toMatchObject({
      mode: "url",
      message: "Please pay",
      url: "https://example.com/pay?id=7",
      ...(isStateful ? { elicitationId: "pay-7" } : undefined)
    })
  })

  it("answers what its model says", { timeout: 3_000 }, async () => {
    const asked: Array<any> = []
    session.answers.sample = (params) => {
      asked.push(params)
      return { role: "assistant", model: "small-1", stopReason: "endTurn", content: { type: "text", text: "Rain" } }
    }
    expect(await ask("think", { about: "weather" })).toBe("Answered \"Rain\"")
    expect(asked).toMatchObject([{
      messages: [
        { role: "user", content: { type: "text", text: "Think about weather" } },
        { role: "assistant", content: { type: "text", text: "I am thinking" } },
        { role: "user", content: { type: "image", data: base64, mimeType: "image/png" } }
      ],
      maxTokens: 50,
      systemPrompt: "Be brief",
      temperature: 0.5,
      stopSequences: ["\n\n"],
      modelPreferences: { hints: [{ name: "small" }], speedPriority: 1 }
    }])
  })

  it("lets its model use a tool of the server", { timeout: 3_000 }, async () => {
    const asked: Array<any> = []
    session.answers.sample = (params) => {
      asked.push(params)
      return asked.length === 1
        ? {
          role: "assistant",
          model: "small-1",
          stopReason: "toolUse",
          content: [
            { type: "text", text: "Let me see" },
            { type: "tool_use", id: "use-1", name: "sum", input: { a: 2, b: 3 } }
          ]
        }
        : { role: "assistant", model: "small-1", stopReason: "endTurn", content: { type: "text", text: "It is 5" } }
    }
    expect(await ask("agent")).toBe("toolUse, then It is 5")
    expect(asked).toHaveLength(2)
    expect(asked[0]).toMatchObject({
      tools: [{ name: "sum", inputSchema: { type: "object", required: ["a", "b"] } }],
      toolChoice: { mode: "required" }
    })
    expect(asked[1].messages).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "text" }, { type: "tool_use", id: "use-1", input: { a: 2, b: 3 } }] },
      {
        role: "user",
        content: [{
          type: "tool_result",
          toolUseId: "use-1",
          content: [{ type: "text", text: "{\"sum\":5}" }],
          structuredContent: { sum: 5 }
        }]
      }
    ])
  })

  it("answers where its roots are, and says that they have changed", { timeout: 3_000 }, async () => {
    const roots = [{ uri: "file:///home/ada", name: "Home" }, { uri: "file:///tmp" }]
    session.answers.roots = () => ({ roots })
    if (isStateful) await session.rootsChanged()
    expect(await ask("where")).toBe(`Answered ${JSON.stringify(roots)}`)
    session.answers.roots = () => ({ roots: [] })
    expect(await ask("where")).toBe("Answered []")
  })

  it("is asked several things at once, and more when it has answered", { timeout: 5_000 }, async () => {
    const asked: Array<string> = []
    session.answers.elicit = ({ message, mode }) => {
      asked.push(message)
      if (mode === "url") return { action: "accept" }
      return { action: "accept", content: message.startsWith("Bags") ? { bags: 3 } : { seat: "aisle" } }
    }
    session.answers.sample = ({ messages }) => {
      asked.push((messages[0].content[0] ?? messages[0].content).text)
      return { role: "assistant", model: "m", content: { type: "text", text: "sunny" } }
    }
    session.answers.roots = () => {
      asked.push("roots")
      return { roots: [{ uri: "file:///maps" }] }
    }
    const { structuredContent } = await session.call("trip", { to: "Rome" })
    expect(structuredContent).toEqual({
      log: ["aisle", "sunny", "file:///maps", "true", "1970-01-01T00:00:03.000Z"]
    })
    expect(asked.slice(0, 3).toSorted()).toEqual(["A seat to Rome?", "What is Rome like?", "roots"])
    expect(asked.slice(3)).toEqual(["Bags at the aisle?", "Pay"])
    // In rounds the handler begins again after each, and its steps do not.
    expect(counted("run of the trip to Rome")).toBe(isStateful ? 1 : 4)
    expect(counted("hold for Rome")).toBe(1)
    expect(counted("book 3 to Rome")).toBe(1)
  })

  it("is asked by what a tool uses", { timeout: 3_000 }, async () => {
    let sure = 0
    session.answers.elicit = () => ({ action: "accept", content: { sure: ++sure } })
    expect((await session.call("errand")).content).toEqual([
      { type: "text", text: "[\"Answered {\\\"sure\\\":1}\",\"Answered {\\\"sure\\\":2}\"]" }
    ])
  })

  it("is asked by a resource and by a prompt", { timeout: 3_000 }, async () => {
    session.answers.elicit = ({ message }) => ({
      action: "accept",
      content: message === "Who is invited?" ? { guest: "Ada" } : { word: "sesame" }
    })
    expect((await session.read("note://locked")).contents).toMatchObject([{ text: "opened with sesame" }])
    expect((await session.getPrompt("invitation")).messages).toMatchObject([{
      content: { text: "You are invited, Ada" }
    }])
    session.answers.elicit = () => ({ action: "decline" })
    expect((await outcome(session.read("note://locked"))).error).toMatchObject({ code: -32600 })
    expect((await outcome(session.getPrompt("invitation"))).error).toMatchObject({ code: -32600 })
  })

  it("keeps the questions of concurrent calls apart", { timeout: 5_000 }, async () => {
    session.answers.elicit = async ({ message }) => {
      const sure = Number(message)
      await new Promise((resolve) => setTimeout(resolve, (10 - sure) * 3))
      return { action: "accept", content: { sure } }
    }
    const all = Array.from({ length: 10 }, (_, index) => index)
    const endings = await Promise.all(all.map((sure) => ask("decide", { what: String(sure) })))
    expect(endings).toEqual(all.map((sure) => `Answered {"sure":${sure}}`))
  })

  it("fails to answer", { timeout: 3_000 }, async () => {
    for (const [tool, question] of [["decide", "elicit"], ["think", "sample"], ["where", "roots"]] as const) {
      session.answers[question] = () => {
        throw Object.assign(new Error("no hands free"), { code: -32050 })
      }
      const ended = await outcome(session.call(tool, { what: "now", about: "now" }))
      // From 2026-07-28 the client asks itself, and the server hears nothing of it.
      if (isStateful) expect(text(ended.result!)).toBe("Refused")
      else expect(ended.error?.message).toContain("no hands free")
    }
  })

  if (isStateful) {
    it("is told that a question has become moot when it cancels the call", { timeout: 5_000 }, async () => {
      const controller = new AbortController()
      let moot = false
      let isAsked = false
      session.answers.elicit = (_params, signal) =>
        new Promise((resolve) => {
          isAsked = true
          signal.addEventListener("abort", () => {
            moot = true
            resolve({ action: "cancel" })
          })
        })
      const call = outcome(session.call("decide", { what: "moot?" }, { signal: controller.signal }))
      await harness.until("the question", () => isAsked)
      controller.abort()
      await harness.until("word that it is moot", () => moot)
      expect((await call).error).toBeInstanceOf(Error)
    })
  } else {
    it("cancels between two rounds", { timeout: 5_000 }, async () => {
      const controller = new AbortController()
      session.answers.elicit = () => {
        controller.abort()
        return { action: "accept", content: { seat: "aisle", bags: 1 } }
      }
      session.answers.sample = () => ({ role: "assistant", model: "m", content: { type: "text", text: "sunny" } })
      session.answers.roots = () => ({ roots: [] })
      const { error } = await outcome(session.call("trip", { to: "Nowhere" }, { signal: controller.signal }))
      expect(error).toBeInstanceOf(Error)
      expect(counted("book 1 to Nowhere")).toBe(0)
    })
  }

  it.skipIf(!oracle.has(version))("got nothing that the official schema has not", { timeout: 5_000 }, () => {
    expect(session.frames.length).toBeGreaterThan(60)
    expect(oracle.faultsOf(session, version)).toEqual([])
  })

  if (transport === "stdio") {
    it("found nothing but the protocol on stdout", { timeout: 5_000 }, async () => {
      await session.close()
      expect(await connected.ended()).toBe(0)
      const frames = connected.stdout().split("\n")
      expect(frames.pop()).toBe("")
      for (const frame of frames) expect(JSON.parse(frame)).toMatchObject({ jsonrpc: "2.0" })
    })
  }
}
