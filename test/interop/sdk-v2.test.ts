/** Our server under the official client of the second generation, `@modelcontextprotocol/client`, in both eras. */
import {
  Client,
  fromJsonSchema,
  type InputRequiredResult,
  StreamableHTTPClientTransport,
  withInputRequired
} from "@modelcontextprotocol/client"
import type { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as features from "./featureSuite.ts"
import * as harness from "./harness.ts"
import * as suite from "./suite.ts"
import { client, overStdio } from "./v2.ts"

suite.describeClient(client)
features.describeClient(client)

describe("@modelcontextprotocol/client choosing the era itself", () => {
  const choose = async (transport: StdioClientTransport | StreamableHTTPClientTransport) => {
    const client = new Client({ name: "chooser", version: "1.0.0" }, {
      versionNegotiation: { mode: "auto" },
      // Opens a subscription of its own in the stateless era.
      listChanged: { tools: { onChanged: () => {} } }
    })
    const complaints: Array<Error> = []
    client.onerror = (error) => complaints.push(error)
    try {
      await client.connect(transport)
      expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28")
      expect(client.autoOpenedSubscription?.honoredFilter).toEqual({ toolsListChanged: true })
      expect((await client.callTool({ name: "add", arguments: { a: 1, b: 2 } })).structuredContent).toBe(3)
      expect(complaints).toEqual([])
    } finally {
      await client.close()
    }
  }

  it("finds the newest revision over stdio", { timeout: 25_000 }, () => choose(overStdio(harness.stdioTarget())))

  it("finds the newest revision over http", { timeout: 25_000 }, async () => {
    const { ended, signal, url } = await harness.startHttp()
    try {
      await choose(new StreamableHTTPClientTransport(url))
    } finally {
      signal("SIGKILL")
      await ended
    }
  })
})

describe("@modelcontextprotocol/client walking the rounds itself", () => {
  let target: harness.HttpTarget
  let client: Client

  beforeAll(async () => {
    target = await harness.startHttp()
    client = new Client({ name: "walker", version: "1.0.0" }, {
      capabilities: suite.capabilities({ version: "2026-07-28", isKnown: false, isCapable: true }),
      versionNegotiation: { mode: { pin: "2026-07-28" } },
      inputRequired: { autoFulfill: false }
    })
    await client.connect(new StreamableHTTPClientTransport(target.url))
  }, 25_000)

  afterAll(async () => {
    await client?.close()
    target?.signal("SIGKILL")
    await target?.ended
  })

  type Answered = Pick<InputRequiredResult, "requestState"> & { readonly inputResponses?: Record<string, unknown> }

  const call = (name: string, args: object, answered: Answered = {}) =>
    client.request(
      { method: "tools/call", params: { name, arguments: args, ...answered } as any },
      withInputRequired(fromJsonSchema<suite.CallResult>({ type: "object" })),
      { allowInputRequired: true }
    ) as Promise<any>

  const decide = (answered?: Answered) => call("decide", { what: "walk" }, answered)

  const yes = { decide: { action: "accept", content: { sure: 1 } } }

  it("gets each round with its questions and a state", { timeout: 5_000 }, async () => {
    const first = await call("trip", { to: "Bergen" })
    expect(first).toMatchObject({
      resultType: "input_required",
      inputRequests: {
        seat: { method: "elicitation/create", params: { mode: "form", message: "A seat to Bergen?" } },
        advice: { method: "sampling/createMessage" },
        roots: { method: "roots/list" }
      },
      requestState: expect.any(String)
    })
    const seat = { action: "accept", content: { seat: "window" } }
    const advice = { role: "assistant", model: "m", content: { type: "text", text: "rainy" } }
    // Two of three answers: the third is asked for again, and the two are not.
    const again = await call("trip", { to: "Bergen" }, {
      requestState: first.requestState,
      inputResponses: { seat, advice }
    })
    expect(Object.keys(again.inputRequests)).toEqual(["roots"])
    const second = await call("trip", { to: "Bergen" }, {
      requestState: again.requestState,
      inputResponses: { roots: { roots: [] } }
    })
    expect(second.inputRequests).toMatchObject({ bags: { params: { message: "Bags at the window?" } } })
    const third = await call("trip", { to: "Bergen" }, {
      requestState: second.requestState,
      inputResponses: { bags: { action: "accept", content: { bags: 2 } } }
    })
    expect(third.inputRequests).toMatchObject({ pay: { params: { mode: "url", url: "https://example.com/pay/2" } } })
    const last = await call("trip", { to: "Bergen" }, {
      requestState: third.requestState,
      inputResponses: { pay: { action: "accept" } }
    })
    expect(last.structuredContent.log.slice(0, 4)).toEqual(["window", "rainy", "", "true"])
    expect(target.events().filter((event) => event === "hold for Bergen")).toHaveLength(1)
  })

  it("gets no further with a state that was changed, or that is another call's", { timeout: 5_000 }, async () => {
    const { requestState } = await decide()
    const middle = requestState.length >> 1
    const changed = requestState.slice(0, middle) + (requestState[middle] === "A" ? "B" : "A")
      + requestState.slice(middle + 1)
    for (const state of [changed, "nonsense", ""]) {
      const { error } = await suite.outcome(decide({ requestState: state, inputResponses: yes }))
      expect(error).toMatchObject({ code: -32602 })
    }
    const { error } = await suite.outcome(
      call("decide", { what: "something else" }, { requestState, inputResponses: yes })
    )
    expect(error).toMatchObject({ code: -32602 })
    expect(suite.text(await decide({ requestState, inputResponses: yes }))).toBe("Answered {\"sure\":1}")
  })

  it("is told what is wrong with an answer of the wrong shape", { timeout: 5_000 }, async () => {
    const { requestState } = await decide()
    const answerWith = (answer: unknown) => suite.outcome(decide({ requestState, inputResponses: { decide: answer } }))
    for (const answer of [{ action: "perhaps" }, { action: "accept", content: { sure: "x" } }, {}]) {
      expect(suite.text((await answerWith(answer)).result)).toBe("InvalidAnswer")
    }
    for (const answer of ["yes", 7, null]) {
      expect((await answerWith(answer)).error).toMatchObject({ code: -32602 })
    }
  })
})
