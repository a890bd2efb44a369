/** What every official client must find, in each era it speaks and over each transport. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import * as proxy from "./proxy.ts"
import * as recorder from "./recorder.ts"

export type Version = "2024-11-05" | "2025-03-26" | "2025-06-18" | "2025-11-25" | "2026-07-28"

export interface CallResult {
  readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string }>
  readonly structuredContent?: unknown
  readonly isError?: boolean | undefined
  readonly _meta?: object | undefined
}

export type List = "tools" | "resources" | "resourceTemplates" | "prompts"

export interface Listed {
  readonly name: string
  readonly [member: string]: unknown
}

export interface Page {
  readonly items: ReadonlyArray<Listed>
  readonly nextCursor: string | undefined
}

/** What a person and a model answer a client's questions with; each question is kept as it came. */
export interface Answers {
  elicit: (params: any, signal: AbortSignal) => unknown
  sample: (params: any) => unknown
  roots: () => unknown
}

export interface Progress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds after which the client gives up. */
  readonly timeout?: number
  readonly onprogress?: (progress: Progress) => void
  /** In the request's `_meta`, where the era has it there. */
  readonly logLevel?: Level
}

export type Level = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency"

export interface Log {
  readonly level: string
  readonly logger?: string | undefined
  readonly data?: unknown
}

/** An official client that is connected, behind the names both have in common. */
export interface Session {
  readonly version: string | undefined
  readonly server: { readonly name: string; readonly version: string } | undefined
  readonly instructions: string | undefined
  readonly capabilities: object | undefined
  readonly listTools: () => Promise<
    ReadonlyArray<{ readonly name: string; readonly inputSchema: object; readonly outputSchema?: unknown }>
  >
  readonly call: (name: string, args?: Record<string, unknown>, options?: CallOptions) => Promise<CallResult>
  /** As the client itself lists: the first page, or all there is where it walks the pages for its user. */
  readonly list: (list: List) => Promise<ReadonlyArray<Listed>>
  readonly page: (list: List, cursor?: string) => Promise<Page>
  readonly read: (uri: string) => Promise<{ readonly contents: ReadonlyArray<object> }>
  /** Watches a resource the way of its era; answers how it stops. */
  readonly watch: (uri: string) => Promise<() => Promise<unknown>>
  readonly getPrompt: (
    name: string,
    args?: Record<string, string>
  ) => Promise<{ readonly description?: string | undefined; readonly messages: ReadonlyArray<object> }>
  readonly complete: (
    ref: { readonly prompt: string } | { readonly template: string },
    argument: { readonly name: string; readonly value: string },
    known?: Record<string, string>
  ) => Promise<
    {
      readonly values: ReadonlyArray<string>
      readonly total?: number | undefined
      readonly hasMore?: boolean | undefined
    }
  >
  readonly rootsChanged: () => Promise<unknown>
  readonly ping: () => Promise<unknown>
  readonly setLevel: (level: Level) => Promise<unknown>
  readonly request: (method: string) => Promise<object>
  /** Messages of the server's log, as they came. */
  readonly logs: Array<Log>
  /** How often it was told that the tools have changed. */
  readonly changes: () => number
  /** Other lists that have changed, and resources that have, as it was told. */
  readonly news: Array<string>
  /** From here on `changes` counts. Answers how the subscription ends, where there is one. */
  readonly watchTools: () => Promise<{ readonly closed: Promise<string> } | undefined>
  /** From here on `news` has the changes of the other lists. */
  readonly watchLists: () => Promise<unknown>
  /** How it answers questions; to be exchanged by a test. */
  readonly answers: Answers
  /** What its validator of structured content was given, and found. */
  readonly validated: Array<{ readonly value: unknown; readonly valid: boolean }>
  /** Every message as it came, before the client read it. */
  readonly frames: Array<any>
  /** The methods of the client's own requests, by id. */
  readonly sent: ReadonlyMap<string | number, string>
  /** What the client complained about: frames it could not accept, answers it did not expect. */
  readonly complaints: Array<Error>
  /** What the server wrote to stderr, where the client started it. */
  readonly stderr: () => string
  /** The server's process, where the client started it. */
  readonly pid: number | undefined
  /** DELETEs the session, where there is one and its transport has a way to. */
  readonly terminate: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface ConnectOptions {
  readonly version: Version
  /** The server has been connected to before: what was learned then may be used. */
  readonly isKnown: boolean
  /** Can be asked whatever its revision has; otherwise it can sample, and cannot ask a user. */
  readonly isCapable?: boolean
  /** What it sends its requests with over HTTP, instead of the global one. */
  readonly fetch?: typeof fetch
  /** Milliseconds after which it comes back for a stream where its server names no time; a second when left out. */
  readonly reconnectionDelay?: number
}

/** As the clients' transports take it. */
export const httpOptions = ({ fetch, reconnectionDelay }: ConnectOptions) => ({
  ...(fetch === undefined ? undefined : { fetch }),
  ...(reconnectionDelay === undefined ? undefined : {
    reconnectionOptions: {
      initialReconnectionDelay: reconnectionDelay,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 1.5,
      maxRetries: 2
    }
  })
})

/** What a client declares. */
export const capabilities = ({ isCapable = false }: ConnectOptions) =>
  isCapable
    ? { sampling: { tools: {}, context: {} }, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }
    : { sampling: {} }

/** Nobody has said how to answer. */
export const makeAnswers = (): Answers => {
  const refuse = () => {
    throw new Error("Nobody was to be asked")
  }
  return { elicit: refuse, sample: refuse, roots: refuse }
}

export interface OfficialClient {
  readonly name: string
  readonly versions: ReadonlyArray<Version>
  readonly overStdio: (target: harness.StdioTarget, options: ConnectOptions) => Promise<Session>
  readonly overHttp: (url: URL, options: ConnectOptions) => Promise<Session>
  /** Over the HTTP transport of 2024-11-05. */
  readonly overSse: (url: URL, options: ConnectOptions) => Promise<Session>
}

export type Transport = "stdio" | "http"

/** A session and the server that is there for it alone. */
export interface Connected extends harness.Traces {
  readonly session: Session
  readonly stderr: () => string
  /** Sends the server SIGTERM. */
  readonly stop: () => void
  /** Waits until the server's process has ended, and answers how. */
  readonly ended: () => Promise<string | number>
  /** Closes the session and sees to it that the server ends. */
  readonly close: () => Promise<void>
}

export const connect = (
  transport: Transport,
  client: OfficialClient,
  options: ConnectOptions & harness.ServerOptions
) => transport === "http" ? connectHttp(client, options) : connectStdio(client, options)

const connectHttp = async (
  client: OfficialClient,
  options: ConnectOptions & harness.ServerOptions
): Promise<Connected> => {
  const target = await harness.startHttp(options)
  const session = await client.overHttp(target.url, options)
  return {
    ...target,
    session,
    stop: () => target.signal("SIGTERM"),
    ended: () => target.ended,
    close: async () => {
      await session.close()
      target.signal("SIGKILL")
      await target.ended
    }
  }
}

export const connectStdio = async (
  client: OfficialClient,
  options: ConnectOptions & harness.ServerOptions
): Promise<Connected> => {
  const target = harness.stdioTarget(options)
  const session = await client.overStdio(target, options)
  const pid = session.pid!
  const ended = async () => {
    await harness.until("end of the server", () => !harness.isAlive(pid))
    const exit = target.events().find((event) => event.startsWith(`exit ${pid} `))
    return exit === undefined ? "killed" : Number(exit.split(" ")[2])
  }
  return {
    ...target,
    session,
    stderr: session.stderr,
    stop: () => process.kill(pid, "SIGTERM"),
    ended,
    close: async () => {
      await session.close()
      await ended()
    }
  }
}

/** How something ended that may end badly; nobody else needs to handle the promise. */
export const outcome = <A>(promise: Promise<A>) =>
  promise.then((result) => ({ result, error: undefined }), (error: Error) => ({ result: undefined, error }))

export const text = ({ content }: CallResult) => content.map(({ text }) => text).join("\n")

/** The tests of one client: each era over each transport. */
export const describeClient = (client: OfficialClient): void => {
  for (const transport of ["stdio", "http"] as const) {
    for (const version of client.versions) {
      describe(`${client.name} in ${version} over ${transport}`, () => {
        describeConversation(client, transport, version)
        if (transport === "stdio") describeStdioShutdown(client, version)
        else describeHttpShutdown(client, version)
      })
    }
  }
}

/** One session, from its beginning to its end. */
const describeConversation = (client: OfficialClient, transport: Transport, version: Version): void => {
  const isStateful = version === "2025-11-25"
  let connected: Connected
  let session: Session

  beforeAll(async () => {
    connected = await connect(transport, client, { version, isKnown: false })
    session = connected.session
    await session.listTools()
  }, 25_000)

  afterAll(() => connected?.close(), 25_000)

  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(`The server's last words:\n${connected.stderr().slice(-2_000)}`)
    expect(session.complaints.splice(0)).toEqual([])
  })

  it("agrees on the revision and learns who serves", { timeout: 3_000 }, () => {
    expect(session.version).toBe(version)
    expect(session.server).toMatchObject({ name: "interop", title: "Interop", version: "1.2.3" })
    expect(session.instructions).toBe("Try everything.")
    expect(session.capabilities).toMatchObject({ logging: {}, tools: { listChanged: true } })
  })

  it("tells the server who calls", { timeout: 3_000 }, async () => {
    const { structuredContent } = await session.call("whoami")
    expect(structuredContent).toEqual({ name: "interop-client", version: "9.8.7", revision: version })
  })

  it("lists every tool with its schemas", { timeout: 3_000 }, async () => {
    const tools = await session.listTools()
    expect(tools.map(({ name }) => name).slice(0, 5)).toEqual(["echo", "forecast", "add", "withdraw", "climb"])
    const byName = new Map(tools.map((tool) => [tool.name, tool]))
    expect(byName.get("echo")).toMatchObject({
      inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] }
    })
    expect(byName.get("echo")!.outputSchema).toBeUndefined()
    expect(byName.get("forecast")!.outputSchema).toMatchObject({ type: "object" })
    if (isStateful) expect(byName.get("add")!.outputSchema).toBeUndefined()
    else expect(byName.get("add")!.outputSchema).toMatchObject({ type: "number" })
  })

  it("gets text", { timeout: 3_000 }, async () => {
    const text = "naïve ≠ 🙂 \u2028 line\nbreak \"quote\" \\ \u0000"
    expect(await session.call("echo", { text })).toMatchObject({ content: [{ type: "text", text }] })
  })

  it("gets a message of megabytes", { timeout: 5_000 }, async () => {
    const text = "ä🙂\n".repeat(200_000)
    const result = await session.call("echo", { text })
    expect(result.content[0]!.text === text).toBe(true)
  })

  it("gets structured content that fits the output schema, and the same as text", { timeout: 3_000 }, async () => {
    const result = await session.call("forecast", { city: "Oslo", days: 2 })
    const forecast = {
      city: "Oslo",
      celsius: 21.5,
      sunrise: "1970-01-01T00:00:00.000Z",
      hours: [{ hour: 0, rain: null }, { hour: 1, rain: 0.5 }],
      wind: "calm"
    }
    expect(result.structuredContent).toEqual(forecast)
    expect(JSON.parse(text(result))).toEqual(forecast)
    expect(result.isError ?? false).toBe(false)
  })

  it("gets structured content that is no object where the revision has it", { timeout: 3_000 }, async () => {
    const result = await session.call("add", { a: 1.5, b: 2 })
    expect(text(result)).toBe("3.5")
    expect(result.structuredContent).toBe(isStateful ? undefined : 3.5)
  })

  it("gets a declared failure as a tool error with its text", { timeout: 3_000 }, async () => {
    const result = await session.call("withdraw", { amount: 5 })
    expect(result.isError).toBe(true)
    expect(text(result)).toBe("The account lacks 5")
  })

  it("gets a tool error for arguments that do not fit", { timeout: 3_000 }, async () => {
    for (const args of [{ a: "1", b: 2 }, { a: 1 }, {}, undefined]) {
      const result = await session.call("add", args)
      expect(result.isError).toBe(true)
      expect(text(result)).toMatch(/add/)
    }
  })

  it("gets the protocol error -32602 for a tool that does not exist", { timeout: 3_000 }, async () => {
    const { error } = await outcome(session.call("nobody", { a: 1 }))
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining("nobody") })
  })

  it("gets the protocol error -32601 for a method that does not exist", { timeout: 3_000 }, async () => {
    const { error } = await outcome(session.request("interop/unknown"))
    if (transport === "stdio" || isStateful) return expect(error).toMatchObject({ code: -32601 })
    // Over HTTP this era says so with status 404 as well, which the client takes for a failure of the transport.
    expect(error).toMatchObject({ status: 404, data: { text: expect.stringContaining("-32601") } })
    expect(session.complaints.splice(0)).toEqual([error])
  })

  it("gets a protocol error for a tool that needs what the client cannot do", { timeout: 3_000 }, async () => {
    const { error } = await outcome(session.call("ask"))
    expect(error).toMatchObject({ code: isStateful ? -32602 : -32021 })
    expect(text(await session.call("sample"))).toBe("The client can sample")
  })

  it("gets progress that only ever increases", { timeout: 3_000 }, async () => {
    const seen: Array<Progress> = []
    const result = await session.call("climb", {}, { onprogress: (progress) => seen.push(progress) })
    expect(text(result)).toBe("there")
    expect(seen).toEqual([1, 2, 2.5, 3].map((progress) => ({ progress, total: 3, message: `step ${progress}` })))
  })

  it("keeps the progress of concurrent calls apart", { timeout: 3_000 }, async () => {
    const seen = await Promise.all(Array.from({ length: 5 }, async () => {
      const progress: Array<number> = []
      await session.call("climb", {}, { onprogress: (step) => progress.push(step.progress) })
      return progress
    }))
    expect(seen).toEqual(Array.from({ length: 5 }, () => [1, 2, 2.5, 3]))
  })

  it("gets log messages of the level it asked for", { timeout: 3_000 }, async () => {
    const said = async (level: "debug" | "warning" | undefined) => {
      session.logs.length = 0
      if (isStateful && level !== undefined) await session.setLevel(level)
      await session.call("chatter", {}, level === undefined ? {} : { logLevel: level })
      return session.logs.map(({ level }) => level)
    }
    // A request of 2026-07-28 that names no level gets no messages.
    expect(await said(undefined)).toEqual(isStateful ? ["info", "warning", "error"] : [])
    expect(await said("warning")).toEqual(["warning", "error"])
    // From info on it gets what the middleware logs with `Effect.log`, too.
    expect(await said("debug")).toEqual(["info", "debug", "info", "warning", "error"])
    expect(session.logs[0]!.data).toBe("noise from tools/call, logged")
    expect(session.logs[2]).toMatchObject({ logger: "interop", data: { step: 1, nested: [null, true] } })
  })

  it("gets to each of many concurrent calls its own answer", { timeout: 5_000 }, async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, a) => Number(text(await session.call("add", { a, b: 1_000 }))))
    )
    expect(answers).toEqual(Array.from({ length: 100 }, (_, a) => a + 1_000))
  })

  it("cancels with an AbortSignal, and the handler's finalizer runs", { timeout: 5_000 }, async () => {
    const controller = new AbortController()
    const call = outcome(session.call("hang", { key: "aborted" }, { signal: controller.signal }))
    await harness.happened(connected, "started aborted")
    controller.abort(new Error("enough"))
    expect((await call).error).toBeInstanceOf(Error)
    await harness.happened(connected, "finalized aborted")
    expect(text(await session.call("echo", { text: "next" }))).toBe("next")
  })

  it("cancels one of two calls, and the other goes on", { timeout: 5_000 }, async () => {
    const first = new AbortController()
    const second = new AbortController()
    const calls = [
      outcome(session.call("hang", { key: "one" }, { signal: first.signal })),
      outcome(session.call("hang", { key: "other" }, { signal: second.signal }))
    ]
    await harness.happened(connected, "started one")
    await harness.happened(connected, "started other")
    first.abort()
    await harness.happened(connected, "finalized one")
    expect(text(await session.call("echo", { text: "between" }))).toBe("between")
    expect(connected.events()).not.toContain("finalized other")
    second.abort()
    await harness.happened(connected, "finalized other")
    await Promise.all(calls)
  })

  it("cancels when it runs out of patience", { timeout: 5_000 }, async () => {
    const call = outcome(session.call("hang", { key: "impatient" }, { timeout: 300 }))
    await harness.happened(connected, "finalized impatient")
    expect((await call).error).toBeInstanceOf(Error)
  })

  it("is answered while a tool runs that never ends", { timeout: 5_000 }, async () => {
    const controller = new AbortController()
    const call = outcome(session.call("hang", { key: "meanwhile" }, { signal: controller.signal }))
    await harness.happened(connected, "started meanwhile")
    if (isStateful) await session.ping()
    else expect(text(await session.call("echo", { text: "ping" }))).toBe("ping")
    expect(connected.events()).not.toContain("finalized meanwhile")
    controller.abort()
    await call
    await harness.happened(connected, "finalized meanwhile")
  })

  it("gets an error after a deadline of the server", { timeout: 3_000 }, async () => {
    const { error } = await outcome(session.call("late"))
    expect(error).toMatchObject({ code: 408 })
  })

  it(
    "gets an error without the defect's text when a tool dies, and the next call works",
    { timeout: 3_000 },
    async () => {
      const { error } = await outcome(session.call("die"))
      expect(error).toMatchObject({ code: -32603 })
      const { data, message, stack } = error as Error & { data?: unknown }
      expect(`${message}${stack}${JSON.stringify(data)}`).not.toContain("secret")
      expect(connected.stdout()).not.toContain("secret of the defect")
      expect(text(await session.call("echo", { text: "alive" }))).toBe("alive")
    }
  )

  it("hears that the tools have changed", { timeout: 5_000 }, async () => {
    await session.watchTools()
    const before = session.changes()
    expect(text(await session.call("toggle"))).toBe("added")
    await harness.until("word of the change", () => session.changes() > before)
    expect((await session.listTools()).map(({ name }) => name)).toContain("guest")
    expect(text(await session.call("guest"))).toBe("Here for now")
    expect(text(await session.call("toggle"))).toBe("removed")
    await harness.until("word of the second change", () => session.changes() > before + 1)
    expect((await session.listTools()).map(({ name }) => name)).not.toContain("guest")
  })

  if (transport === "http" && !isStateful) {
    it("mirrors a name and an argument that need encoding", { timeout: 3_000 }, async () => {
      for (const name of ["north", "Zürich ≠ 東京", " padded ", "=?base64?eA==?=", ""]) {
        expect(text(await session.call("region", { name }))).toBe(`Region: ${name}`)
      }
    })
  }

  if (transport === "stdio") {
    it(
      "ends the server with 0 when it closes, and found nothing but the protocol on stdout",
      { timeout: 5_000 },
      async () => {
        const begun = performance.now()
        await session.close()
        expect(await connected.ended()).toBe(0)
        // Later, the client would have sent a signal.
        expect(performance.now() - begun).toBeLessThan(1_900)

        const frames = connected.stdout().split("\n")
        expect(frames.pop()).toBe("")
        expect(frames.length).toBeGreaterThan(100)
        for (const frame of frames) expect(JSON.parse(frame)).toMatchObject({ jsonrpc: "2.0" })
        for (const place of ["acquisition", "tools/call", "release"]) {
          for (const way of ["", ", written", ", logged"]) {
            expect(connected.stderr()).toContain(`noise from ${place}${way}`)
          }
        }
      }
    )
  }
  if (transport === "http") {
    it(
      "gets its answer from a server that is told to stop, which ends with 0",
      { timeout: 8_000 },
      async () => {
        const subscription = await session.watchTools()
        const call = outcome(session.call("nap", { key: "short", millis: 300 }))
        await harness.happened(connected, "started short")
        const begun = performance.now()
        connected.stop()
        expect((await call).result).toMatchObject({ content: [{ text: "rested" }] })
        expect(await connected.ended()).toBe(0)
        // Neither who listens nor a connection that is kept alive holds the server back.
        expect(performance.now() - begun).toBeLessThan(3_000)
        if (subscription !== undefined) expect(await subscription.closed).toBe("graceful")
        if (isStateful) await givesUp(session)
      }
    )
  }
}

/** A client with a GET stream comes back for it, and complains until it has found often enough that nobody is there. */
const givesUp = async ({ complaints }: Session): Promise<void> => {
  const isLast = ({ message }: Error) => message.startsWith("Maximum reconnection attempts")
  await harness.until("the client to give up", () => complaints.some(isLast))
  expect(complaints.splice(0).filter((error) => !isLast(error) && !error.message.includes("fetch failed"))).toEqual([])
}

const describeStdioShutdown = (client: OfficialClient, version: Version): void => {
  const within = async (options: harness.ServerOptions, body: (connected: Connected) => Promise<void>) => {
    const connected = await connectStdio(client, { version, isKnown: true, ...options })
    try {
      // Who knows the server asks it nothing, and it may still be starting.
      await connected.session.listTools()
      await body(connected)
    } finally {
      await connected.close()
    }
  }

  // Takes the two seconds after which the client sends a signal, so not in each era.
  if (version === client.versions.at(-1)) {
    it(
      "closes, and what is in flight is finalized before it kills the server",
      { timeout: 25_000 },
      () =>
        within({}, async (connected) => {
          const call = outcome(connected.session.call("hang", { key: "closing" }))
          await harness.happened(connected, "started closing")
          await connected.session.close()
          expect((await call).error).toBeInstanceOf(Error)
          expect(await connected.ended()).toBe(0)
          expect(connected.events()).toContain("finalized closing")
        })
    )
  }

  it(
    "gets its answers from a server that is told to stop, which ends with 0",
    { timeout: 25_000 },
    () =>
      within({ grace: 800 }, async (connected) => {
        const { session } = connected
        const subscription = await session.watchTools()
        const short = outcome(session.call("nap", { key: "short", millis: 300 }))
        const endless = outcome(session.call("hang", { key: "stopped" }))
        await harness.happened(connected, "started short")
        await harness.happened(connected, "started stopped")
        connected.stop()
        expect((await short).result).toMatchObject({ content: [{ text: "rested" }] })
        expect((await endless).error).toMatchObject({ code: 499 })
        expect(connected.events()).toContain("finalized stopped")
        expect(await connected.ended()).toBe(0)
        if (subscription !== undefined) expect(await subscription.closed).toBe("graceful")
      })
  )
}

const describeHttpShutdown = (client: OfficialClient, version: Version): void => {
  let target: harness.HttpTarget

  beforeAll(async () => {
    target = await harness.startHttp({ grace: 100 })
  }, 25_000)

  afterAll(async () => {
    target?.signal("SIGKILL")
    await target?.ended
  })

  it("leaves, and what was in flight is finalized", { timeout: 5_000 }, async () => {
    const session = await client.overHttp(target.url, { version, isKnown: true })
    const call = outcome(session.call("hang", { key: "leaving" }))
    await harness.happened(target, "started leaving")
    await session.terminate()
    await session.close()
    expect((await call).error).toBeInstanceOf(Error)
    await harness.happened(target, "finalized leaving")
  })

  if (version === "2026-07-28") {
    it("loses its connection, which cancels what was in flight", { timeout: 5_000 }, async () => {
      const wire = await proxy.make(target.url)
      try {
        const session = await client.overHttp(wire.url, { version, isKnown: true })
        const call = outcome(session.call("hang", { key: "cut" }))
        await harness.happened(target, "started cut")
        wire.cut()
        expect((await call).error).toBeInstanceOf(Error)
        await harness.happened(target, "finalized cut")
        expect(text(await session.call("echo", { text: "next" }))).toBe("next")
        await session.close()
      } finally {
        await wire.close()
      }
    })
  } else {
    it("loses its connection, comes back, and finds its request going on", { timeout: 5_000 }, async () => {
      const wire = await proxy.make(target.url)
      const { fetch, resumptions } = recorder.make()
      try {
        const session = await client.overHttp(wire.url, { version, isKnown: true, fetch })
        const controller = new AbortController()
        await session.setLevel("info")
        const call = outcome(session.call("hang", { key: "cut" }, { signal: controller.signal }))
        await harness.until("a first event, to come back with", () => session.logs.length > 0)
        wire.cut()
        await harness.until("the client to come back", () => resumptions().some(({ status }) => status === 200))
        expect(target.events()).not.toContain("finalized cut")
        controller.abort()
        expect((await call).error).toBeInstanceOf(Error)
        await harness.happened(target, "finalized cut")
        await session.close()
      } finally {
        await wire.close()
      }
    })

    it("closes its stream of 2024-11-05, which cancels what was in flight", { timeout: 5_000 }, async () => {
      const session = await client.overSse(new URL("/sse", target.url), { version, isKnown: true })
      const call = outcome(session.call("hang", { key: "stream" }))
      await harness.happened(target, "started stream")
      await session.close()
      expect((await call).error).toBeInstanceOf(Error)
      await harness.happened(target, "finalized stream")
    })
  }

  it("is told of a shutdown by a server that cannot wait, which ends with 0", { timeout: 5_000 }, async () => {
    const session = await client.overHttp(target.url, { version, isKnown: true })
    try {
      const call = outcome(session.call("hang", { key: "stopped" }))
      await harness.happened(target, "started stopped")
      target.signal("SIGTERM")
      expect((await call).error).toMatchObject({ code: 499 })
      expect(target.events()).toContain("finalized stopped")
      expect(await target.ended).toBe(0)
    } finally {
      await session.close()
    }
  })
}
