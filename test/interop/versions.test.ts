/** Revisions before 2025-11-25 under both official clients, which can be made to offer them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import * as featureSuite from "./featureSuite.ts"
import * as harness from "./harness.ts"
import * as oracle from "./oracle.ts"
import * as suite from "./suite.ts"
import * as v1 from "./v1.ts"
import * as v2 from "./v2.ts"

const { base64 } = featureSuite
const { outcome, text } = suite

let endpoint: harness.HttpTarget

beforeAll(async () => {
  endpoint = await harness.startHttp()
}, 25_000)

afterAll(async () => {
  endpoint?.signal("SIGKILL")
  await endpoint?.ended
})

const versions = ["2024-11-05", "2025-03-26", "2025-06-18"] as const

for (const { client } of [v1, v2]) {
  for (const transport of ["stdio", "http"] as const) {
    for (const version of versions) {
      describe(`${client.name} in ${version} over ${transport}`, () => describeVersion(client, transport, version))
    }
  }
  describe(`${client.name} in 2024-11-05 over sse`, () => describeVersion(client, "sse", "2024-11-05"))
}

function describeVersion(
  client: suite.OfficialClient,
  transport: suite.Transport | "sse",
  version: typeof versions[number]
) {
  const has = (since: typeof versions[number]) => version >= since
  let session: suite.Session
  let close: () => Promise<void>

  beforeAll(async () => {
    const options = { version, isKnown: false, isCapable: true }
    if (transport === "http") {
      session = await client.overHttp(endpoint.url, options)
      close = session.close
    } else if (transport === "sse") {
      session = await client.overSse(new URL("/sse", endpoint.url), options)
      close = session.close
    } else {
      const connected = await suite.connectStdio(client, options)
      session = connected.session
      close = connected.close
    }
  }, 25_000)

  afterAll(() => close?.(), 25_000)

  beforeEach(() => {
    Object.assign(session.answers, suite.makeAnswers())
  })

  afterEach(() => {
    expect(session.complaints.splice(0)).toEqual([])
  })

  const ask = async (name: string, args?: Record<string, unknown>) => text(await session.call(name, args))

  it("agrees on the revision it offers", { timeout: 3_000 }, async () => {
    expect(session.version).toBe(version)
    expect(JSON.parse(await ask("whoami"))).toEqual({ name: "interop-client", version: "9.8.7", revision: version })
    expect(session.capabilities).toMatchObject({ tools: {}, prompts: {}, resources: { subscribe: true }, logging: {} })
    expect("completions" in session.capabilities!).toBe(has("2025-03-26"))
    if (has("2025-06-18")) expect(session.server).toEqual({ name: "interop", version: "1.2.3", title: "Interop" })
    else expect(session.server).toEqual({ name: "interop", version: "1.2.3" })
  })

  it("lists what its revision can say of a definition", { timeout: 3_000 }, async () => {
    const forecast = (await session.listTools()).find(({ name }) => name === "forecast")!
    expect(Object.keys(forecast).includes("outputSchema")).toBe(has("2025-06-18"))
    const [welcome] = await session.list("resources")
    expect(welcome!.title).toBe(has("2025-06-18") ? "Welcome" : undefined)
    const [person] = await session.list("resourceTemplates")
    expect(person!.title).toBe(has("2025-06-18") ? "A person" : undefined)
    const [greeting] = await session.list("prompts")
    expect(greeting!.title).toBe(has("2025-06-18") ? "A greeting" : undefined)
  })

  it("gets content of every kind, in words where its revision has no other way", { timeout: 3_000 }, async () => {
    const link = {
      uri: "note://welcome",
      name: "welcome",
      title: "Welcome",
      description: "To be read",
      mimeType: "text/markdown",
      size: 25
    }
    expect((await session.call("gallery")).content).toEqual([
      { type: "text", text: "text", annotations: { audience: ["user", "assistant"], priority: 0.25 } },
      {
        type: "image",
        data: base64,
        mimeType: "image/png",
        ...(has("2025-06-18") ? { _meta: { "example.com/size": 10 } } : undefined)
      },
      has("2025-03-26")
        ? { type: "audio", data: base64, mimeType: "audio/wav" }
        : { type: "text", text: expect.stringContaining("audio/wav, 10 bytes") },
      { type: "resource", resource: { uri: "note://welcome", mimeType: "text/markdown", text: "embedded" } },
      { type: "resource", resource: { uri: "note://pixel.png", mimeType: "image/png", blob: base64 } },
      has("2025-06-18")
        ? { type: "resource_link", ...link }
        : { type: "text", text: expect.stringContaining("URI: note://welcome") }
    ])
    const { messages } = await session.getPrompt("album")
    expect(messages.map(({ content }: any) => content.type)).toEqual([
      "text",
      "image",
      has("2025-03-26") ? "audio" : "text",
      "resource",
      "resource",
      has("2025-06-18") ? "resource_link" : "text",
      "text"
    ])
  })

  it("gets structured content, as text where its revision has none", { timeout: 3_000 }, async () => {
    session.validated.length = 0
    const result = await session.call("forecast", { city: "Oslo", days: 1 })
    expect(JSON.parse(text(result))).toMatchObject({ city: "Oslo", celsius: 21.5 })
    if (has("2025-06-18")) {
      expect(result.structuredContent).toMatchObject({ city: "Oslo", celsius: 21.5 })
      expect(session.validated).toMatchObject([{ valid: true }])
    } else expect(result).not.toHaveProperty("structuredContent")
    expect(await session.call("add", { a: 1, b: 2 })).not.toHaveProperty("structuredContent")
    expect((await session.call("withdraw", { amount: 5 })).isError).toBe(true)
  })

  it("reads, completes and is refused", { timeout: 3_000 }, async () => {
    expect((await session.read("note://pixel.png")).contents).toEqual([
      { uri: "note://pixel.png", mimeType: "image/png", blob: base64 }
    ])
    expect((await session.read("search://notes?q=tea")).contents).toMatchObject([{ text: "10 notes about tea" }])
    expect((await outcome(session.read("note://nowhere"))).error).toBeInstanceOf(Error)
    expect(session.frames.at(-1).error).toMatchObject({ code: -32002, data: { uri: "note://nowhere" } })
    expect(await session.complete({ prompt: "greeting" }, { name: "country", value: "n" })).toEqual({
      values: ["norway"]
    })
    expect((await session.complete({ template: "people://{name}/profile" }, { name: "name", value: "gr" })).values)
      .toEqual(["grace"])
    expect((await outcome(session.call("nobody"))).error).toMatchObject({ code: -32602 })
    expect((await outcome(session.getPrompt("closed"))).error).toMatchObject({ code: -32600 })
  })

  it("gets progress, with words where its revision has them", { timeout: 3_000 }, async () => {
    const seen: Array<suite.Progress> = []
    await session.call("climb", {}, { onprogress: (progress) => seen.push(progress) })
    expect(seen).toEqual([1, 2, 2.5, 3].map((progress) => ({
      progress,
      total: 3,
      ...(has("2025-03-26") ? { message: `step ${progress}` } : undefined)
    })))
  })

  it("gets the level of log it asked for", { timeout: 3_000 }, async () => {
    await session.setLevel("error")
    await session.call("shout")
    expect(session.logs.map(({ level }) => level)).toEqual(["error", "critical", "alert", "emergency"])
  })

  it("hears of changes", { timeout: 5_000 }, async () => {
    const stop = await session.watch("note://counter")
    await ask("bump")
    await harness.until("word of the update", () => session.news.includes("note://counter"))
    await stop()
    const before = session.changes()
    await ask("toggle")
    await harness.until("word of the change", () => session.changes() > before)
    await ask("toggle")
    await ask("swap")
    await harness.until(
      "word of both",
      () => session.news.includes("resources") && session.news.includes("prompts")
    )
    await ask("swap")
  })

  it("answers what its revision can be asked, and is asked nothing else", { timeout: 5_000 }, async () => {
    const asked: Array<any> = []
    session.answers.sample = (params) => {
      asked.push(params)
      return { role: "assistant", model: "m", stopReason: "endTurn", content: { type: "text", text: "Rain" } }
    }
    session.answers.roots = () => ({ roots: [{ uri: "file:///maps" }] })
    session.answers.elicit = ({ message }) =>
      message === "A plain one" ? { action: "accept", content: { sure: 7 } } : { action: "decline" }
    expect(await ask("think", { about: "weather" })).toBe("Answered \"Rain\"")
    expect(asked).toMatchObject([{ maxTokens: 50, messages: [{ role: "user" }, { role: "assistant" }, {}] }])
    expect(await ask("where")).toBe("Answered [{\"uri\":\"file:///maps\"}]")
    // Tools for a model, and pages for a user, came with 2025-11-25.
    expect(await ask("agent")).toBe("Unsupported")
    expect(await ask("visit")).toBe("Unsupported")
    expect(await ask("decide", { what: "A plain one" })).toBe(
      has("2025-06-18") ? "Answered {\"sure\":7}" : "Unsupported"
    )
    const trip = await session.call("trip", { to: "Rome" })
    expect(trip.isError).toBe(true)
    const refused = await session.call("insist")
    expect(refused.isError).toBe(true)
    expect(text(refused)).toContain(has("2025-06-18") ? "declined" : "elicitation")
  })

  if (has("2025-06-18")) {
    it("is shown a form its revision can show, and its answer is read as if it were the other", {
      timeout: 3_000
    }, async () => {
      let schema: any
      session.answers.elicit = ({ requestedSchema }) => {
        schema = requestedSchema
        return {
          action: "accept",
          content: {
            name: "Ada",
            email: "ada@example.com",
            born: "1990-05-17T00:00:00.000Z",
            age: 36,
            member: false,
            size: "l",
            crust: "deep",
            "toppings.ham": true,
            "toppings.corn": false,
            "extras.dip": true,
            "extras.cake": true
          }
        }
      }
      expect((await session.call("enrol")).structuredContent).toEqual({
        name: "Ada",
        email: "ada@example.com",
        born: `number:${Date.parse("1990-05-17")}`,
        age: 36,
        weight: 70.5,
        member: false,
        colour: "green",
        size: "l",
        crust: "deep",
        toppings: ["ham"],
        extras: ["dip", "cake"]
      })
      expect(schema.properties).toMatchObject({
        weight: { type: "number", description: "(If left empty: 70.5)" },
        member: { type: "boolean", default: true },
        colour: { type: "string", enum: ["red", "green", "blue"], description: "(If left empty: green)" },
        size: { type: "string", enum: ["s", "l"], enumNames: ["Small", "Large"] },
        "toppings.corn": { type: "boolean", title: "toppings: corn", default: true },
        "toppings.ham": { type: "boolean", default: false },
        "extras.soda": { type: "boolean", title: "extras: A soda", description: "(Choose at least 1.)" }
      })
      expect(schema.properties).not.toHaveProperty("toppings")
      session.answers.elicit = () => ({ action: "decline" })
      expect((await session.call("enrol")).isError).toBe(true)
    })
  }

  it.skipIf(!oracle.has(version))("got nothing that the official schema has not", { timeout: 5_000 }, () => {
    expect(session.frames.length).toBeGreaterThan(20)
    expect(oracle.faultsOf(session, version)).toEqual([])
  })
}
