import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as random from "./random.ts"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

const odd = ["", "é", "😀", "\u0000", "\u2028", "a\nb", "\\", "\"", "__proto__", "constructor", "x".repeat(500)]

/** A frame as a client might send it, in whichever era, and now and then something no client would. */
const makeGenerator = ({ below, chance, pick }: random.Random) => {
  let last = 0
  const nextId = (): wires.Id => {
    last++
    return chance(0.5) ? last : `id-${last}`
  }
  const someId = (): wires.Id => {
    const id = below(last + 5)
    return chance(0.5) ? id : `id-${id}`
  }
  const value = (depth = 0): unknown => {
    switch (below(depth > 4 ? 5 : 7)) {
      case 0:
        return pick(odd)
      case 1:
        return below(1e9) - 5e8
      case 2:
        return pick([null, true, false, 1e308, -0, 5e-324, 2 ** 53])
      case 3:
        return pick(odd).repeat(1 + below(3))
      case 4:
        return below(1000) / 7
      case 5:
        return Array.from({ length: below(4) }, () => value(depth + 1))
      default:
        return Object.fromEntries(Array.from({ length: below(4) }, () => [pick(odd), value(depth + 1)]))
    }
  }
  const call = (era: wires.Era): object => {
    const id = nextId()
    const progress = chance(0.3) ? { progressToken: id } : {}
    switch (below(12)) {
      case 0:
        return wires.call(era, id, "never", {}, progress)
      case 1:
        return wires.call(era, id, "slowToEnd", { ms: below(4000) }, progress)
      case 2:
        return wires.call(era, id, "talk", { count: below(5), size: below(100) }, progress)
      case 3:
        return wires.call(era, id, "explode", { how: pick(tools.howToExplode) }, progress)
      case 4:
        return wires.call(era, id, "stop", { reason: pick(["User", "Shutdown", "Deadline", "CostBudget"]) }, progress)
      case 5:
        return wires.call(
          era,
          id,
          pick(["talksAtTheEnd", "wait", "masked", "diesOnCancel", "talkingNever", "nests"]),
          {},
          progress
        )
      case 6:
        return wires.call(era, id, "any", { [pick(odd)]: value() }, progress)
      case 7:
        return wires.call(era, id, pick(odd), {}, progress)
      case 8:
        return wires.call(era, id, "echo", { text: value() }, progress)
      default:
        return wires.call(era, id, "echo", { text: pick(odd) }, progress)
    }
  }
  const frame = (): object => {
    const era = pick(wires.eras)
    switch (below(14)) {
      case 0:
      case 1:
        return wires.notification("notifications/cancelled", { requestId: someId() })
      case 2:
        return wires.notification(pick(["notifications/initialized", "notifications/nobody", "x"]), {})
      case 3:
        return wires.request(
          era,
          nextId(),
          pick(["ping", "tools/list", "server/discover", "nobody", "logging/setLevel", "initialize", "toString"]),
          pick([{}, { level: "debug" }, { cursor: "x" }])
        )
      case 4:
        return wires.request("Stateless", nextId(), "subscriptions/listen", {
          notifications: { toolsListChanged: true }
        })
      case 5:
        return {
          jsonrpc: "2.0",
          id: someId(),
          ...pick<object>([{ result: {} }, { error: { code: 1, message: "" } }, { result: 1 }, {}])
        }
      default:
        return call(era)
    }
  }
  const bytes = (text: string) => new TextEncoder().encode(text)
  const mutate = (text: string): Uint8Array => {
    const whole = bytes(text)
    const at = below(whole.length)
    switch (below(9)) {
      case 0:
        return whole.slice(0, at)
      case 1:
        return Uint8Array.from(whole, (byte, i) => i === at ? byte ^ (1 << below(8)) : byte)
      case 2:
        return Uint8Array.from(whole, (byte) => chance(0.02) ? below(256) : byte)
      case 3:
        return bytes(text.replace("{", `{${text.slice(1, text.indexOf(","))},`))
      case 4:
        return bytes(
          text.replace(/\d+/u, pick(["1e999", "-0", "9007199254740993", "0x1", "1.5", "00", "1".repeat(400)]))
        )
      case 5: {
        const depth = pick([10, 127, 128, 200, 5000])
        return bytes(text.replace(/:\{/u, `:{"deep":${"[".repeat(depth)}${chance(0.9) ? "]".repeat(depth) : ""},`))
      }
      case 6:
        return bytes(
          text.replace("\"method\"", pick(["\"__proto__\"", "\"\\ud800\"", "\"m\\u0065thod\"", "\"result\""]))
        )
      case 7:
        return bytes(`[${text}${chance(0.5) ? `,${text}` : ""}]`)
      default:
        return bytes(text.slice(0, at) + pick([...odd, "\ud800", "{", "}", "null", ",", "\ufeff"]) + text.slice(at))
    }
  }
  return (): Uint8Array => {
    const text = JSON.stringify(frame())
    return chance(0.25) ? mutate(text) : bytes(text)
  }
}

/** The lines in what was generated, as a server reads them. */
const linesOf = (sent: Uint8Array): ReadonlyArray<string> =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(sent).split("\n")
    .filter((line) => line !== "" && line !== "\r")
    .map((line) => line.startsWith("\ufeff") ? line.slice(1) : line)

/** How often each id has to be answered, and which may be answered less often because they were cancelled. */
const makeLedger = () => {
  const owed = new Map<wires.Id | null, number>()
  const cancelled = new Set<wires.Id>()
  const listening = new Set<wires.Id>()
  let requests = 0
  const owe = (id: wires.Id | null) => owed.set(id, (owed.get(id) ?? 0) + 1)
  return {
    owed,
    cancelled,
    listening,
    requests: () => requests,
    sent: (line: string) => {
      const message = JsonRpc.parse(line)
      switch (message._tag) {
        case "Request":
          requests++
          if (message.method === "subscriptions/listen") listening.add(message.id)
          return owe(message.id)
        case "Invalid":
          return owe(message.isResponse ? null : message.id)
        case "Batch":
          return owe(null)
        case "Notification":
          if (message.method === "notifications/cancelled") cancelled.add(message.params?.requestId as wires.Id)
      }
    }
  }
}

const check = (wire: wires.Wire, ledger: ReturnType<typeof makeLedger>, probe: tools.Probe, label: string) => {
  const answered = new Map<wires.Id | null, number>()
  for (const { id, method } of wire.frames) {
    if (method === undefined) answered.set(id!, (answered.get(id!) ?? 0) + 1)
  }
  for (const [id, owed] of ledger.owed) {
    const had = answered.get(id) ?? 0
    if (id !== null && ledger.cancelled.has(id)) assert.isAtMost(had, owed, `${label}: answers to ${id}`)
    else assert.strictEqual(had, owed, `${label}: answers to ${JSON.stringify(id)}`)
  }
  for (const id of answered.keys()) assert.isTrue(ledger.owed.has(id), `${label}: an answer nobody asked for, ${id}`)
  const started = probe.events.filter((event) => event.endsWith(" started")).length
  const ended = probe.events.filter((event) => / (Ok|Err|Cancelled|Panicked)/u.test(event)).length
  const talks = probe.events.filter((event) => event === "talk started").length
  assert.strictEqual(started - talks, ended, `${label}: handlers that began and ended`)
  // One that waits for a reader may be cancelled meanwhile.
  const over = probe.events.filter((event) => event === "talk done" || event === "talk cut").length
  assert.strictEqual(over, talks, `${label}: talks that began and ended`)
  assert.notInclude(JSON.stringify(wire.frames), tools.secret, label)
}

const quiet = (probe: tools.Probe) => Layer.provide(tools.server(probe), Logger.layer([]))

const finish = Effect.fnUntraced(
  function*(wire: wires.Wire, ledger: ReturnType<typeof makeLedger>, probe: tools.Probe) {
    // What was sent has been read.
    wire.send(wires.call("Stateless", "marker", "echo", { text: "x" }))
    ledger.owed.set("marker", 1)
    yield* wires.answer(wire, "marker")
    for (const id of ledger.listening) {
      ledger.cancelled.add(id)
      wire.send(wires.notification("notifications/cancelled", { requestId: id }))
    }
    yield* wires.turns()
    yield* Deferred.succeed(probe.gate, undefined)
    // Past every deadline and the finalizers after it.
    yield* TestClock.adjust("31 seconds")
    yield* TestClock.adjust("10 seconds")
    wire.send(wires.call("Stateless", "last", "echo", { text: "still here" }))
    ledger.owed.set("last", 1)
    assert.strictEqual((yield* wires.answer(wire, "last")).result.content[0].text, "still here")
  }
)

describe("fuzz", () => {
  const rounds = 4
  const frames = 1500

  for (let round = 0; round < rounds; round++) {
    it.effect(`${frames} frames over memory are each answered as often as they should be, round ${round + 1}`, () =>
      Effect.gen(function*() {
        const seed = random.seed() + round
        const generate = makeGenerator(random.make(seed))
        const probe = tools.makeProbe(undefined, 4000)
        const wire = yield* wires.open("memory", "Stateful", quiet(probe))
        const ledger = makeLedger()
        for (let i = 0; i < frames; i++) {
          for (const line of linesOf(generate())) {
            ledger.sent(line)
            wire.send(line)
          }
          if (i % 50 === 0) yield* wires.turns(20)
          if (i % 300 === 0) yield* TestClock.adjust("3 seconds")
        }
        yield* wires.turns()
        yield* finish(wire, ledger, probe)
        check(wire, ledger, probe, `FUZZ_SEED=${seed - round}, round ${round + 1}`)
        assert.isAbove(ledger.requests(), frames / 2)
      }))

    it.effect(`${frames} frames over stdio, cut anywhere, are each answered as often as they should be, round ${round + 1}`, () =>
      Effect.gen(function*() {
        const seed = random.seed() + round
        const dice = random.make(seed)
        const generate = makeGenerator(dice)
        const probe = tools.makeProbe(undefined, 4000)
        const wire = yield* wires.open("stdio", "Stateful", quiet(probe), { highWaterMark: 2000 })
        const ledger = makeLedger()
        let rest: ReadonlyArray<number> = []
        for (let i = 0; i < frames; i++) {
          const bytes = generate()
          for (const line of linesOf(bytes)) ledger.sent(line)
          rest = [...rest, ...bytes, 0x0a]
          while (rest.length > 3000 || i === frames - 1 && rest.length > 0) {
            const size = 1 + dice.below(dice.chance(0.2) ? 5 : 4000)
            wire.sendBytes(Uint8Array.from(rest.slice(0, size)))
            rest = rest.slice(size)
          }
          if (i % 50 === 0) yield* wires.turns(20)
          if (i % 300 === 0) yield* TestClock.adjust("3 seconds")
        }
        yield* wires.turns(2000)
        yield* finish(wire, ledger, probe)
        check(wire, ledger, probe, `FUZZ_SEED=${seed - round}, round ${round + 1}`)
        assert.isAbove(ledger.requests(), frames / 2)
      }))
  }

  it.effect(`${frames} frames over HTTP, with headers that need not fit, each get one response`, () =>
    Effect.gen(function*() {
      const seed = random.seed()
      const dice = random.make(seed)
      const generate = makeGenerator(dice)
      const probe = tools.makeProbe(undefined, 4000)
      const context = yield* wires.build(quiet(probe))
      const http = yield* Effect.provideContext(wires.http(), context)
      const initialize = http.send(wires.request("Stateful", 0, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "x", version: "1" }
      }))
      const session = initialize.headers["mcp-session-id"]
      const posts: Array<wires.Post> = []
      const listening = new Set<wires.Id>()
      for (let i = 0; i < frames; i++) {
        const body = new TextDecoder().decode(generate())
        const message = JsonRpc.parse(body)
        if (message._tag === "Request" && message.method === "subscriptions/listen") listening.add(message.id)
        const post = http.send(body, {
          ...(dice.chance(0.7) ? { "mcp-session-id": session } : undefined),
          ...(dice.chance(0.1) ? { "mcp-name": dice.pick(["x", "=?base64?", "\u00ff"]) } : undefined),
          ...(dice.chance(0.1) ? { "mcp-protocol-version": dice.pick(["2025-11-25", "x", ""]) } : undefined),
          ...(dice.chance(0.05) ? { "mcp-session-id": "nobody" } : undefined)
        })
        posts.push(post)
        if (message._tag === "Request" && message.method === "subscriptions/listen") yield* wires.turns(2)
        if (i % 50 === 0) yield* wires.turns(20)
        // A client that goes away, of whichever era.
        if (dice.chance(0.1)) {
          const gone = dice.pick(posts)
          if (!gone.isOver) {
            gone.disconnect()
            gone.isOver = true
            gone.status ||= 1
          }
        }
      }
      yield* wires.turns()
      yield* Deferred.succeed(probe.gate, undefined)
      yield* TestClock.adjust("41 seconds")
      for (const post of posts) {
        if (!post.isOver && post.body.includes("subscriptions/acknowledged")) {
          post.disconnect()
          post.isOver = true
        }
      }
      yield* wires.turns()
      assert.isTrue(posts.every(({ isOver, status }) => isOver && status !== 0), `FUZZ_SEED=${seed}`)
      assert.notInclude(posts.map(({ body }) => body).join(""), tools.secret)
      assert.strictEqual(http.send(wires.call("Stateless", 1, "echo", { text: "x" })).status, 200)
    }))
})
