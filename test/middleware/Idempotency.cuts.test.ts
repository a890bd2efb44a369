/** The connection is cut at every boundary of a frame, one after the other. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { info } from "./serving.ts"

/** Counts what must happen once, before and after a question if it asks one. */
const paying = () => {
  const done: Array<string> = []
  const step = (name: string) => Ask.once(name, Effect.sync(() => void done.push(name)))
  const pay = Tool.make("pay", {
    parameters: { asks: Schema.Boolean },
    success: Schema.String,
    handler: ({ asks }) =>
      Effect.gen(function*() {
        yield* Progress.report(1)
        yield* Effect.sleep(2)
        yield* step("pay")
        yield* Progress.report(2)
        if (asks) {
          yield* Ask.one("sure", Elicitation.form({ sure: Schema.Boolean }, { message: "Sure?" }))
          yield* step("sure")
        }
        yield* Effect.sleep(2)
        return "paid"
      })
  })
  const server = McpServer.layer({
    ...info,
    tools: [pay],
    middleware: [Idempotency.make()],
    // An answer that was lost is waited for no longer.
    askTimeout: "300 millis"
  }).pipe(Layer.provide(Layer.fresh(ReceiptStore.layerMemory())), Layer.orDie)
  return { done, server }
}

const answers = ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.accept({ sure: true })) })

const connect = (
  transport: Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError>,
  revision: Revisions.Version
) =>
  Effect.map(
    Layer.build(
      McpClient.layer({ revision, reconnect: Schedule.max([Schedule.spaced(5), Schedule.recurs(20)]) }).pipe(
        Layer.provide(Layer.merge(transport, answers))
      )
    ),
    Context.get(McpClient.McpClient)
  )

interface Ended {
  readonly text: string
  readonly done: ReadonlyArray<string>
}

/** Calls with or without a key, and says how that ended. */
const call = (client: McpClient.Client, asks: boolean, key: string | undefined) =>
  Effect.map(
    Effect.result(client.callTool("pay", { asks }, {
      onProgress: () => {},
      ...key === undefined ? undefined : { idempotencyKey: key }
    })),
    (ended) =>
      Result.isSuccess(ended)
        ? `${ended.success.isError === true ? "error: " : ""}${
          (ended.success.content[0] as { readonly text: string }).text
        }`
        : ended.failure.reason._tag
  )

/** Cuts at the first boundary, at the second, until there is none any more. Tells how often it was. */
const atEach = (run: (boundary: number) => Effect.Effect<{ readonly wasCut: boolean }, unknown>) =>
  Effect.gen(function*() {
    for (let boundary = 1;; boundary++) {
      if (!(yield* run(boundary)).wasCut) return boundary - 1
      assert.isBelow(boundary, 100)
    }
  })

// ----------------------------------------------------------------------------
// in memory
// ----------------------------------------------------------------------------

/** A connection that ends before or after the frame of this number, in either direction. */
const cutting = (boundary: number, isDelivered: boolean) => {
  const state = { isArmed: false, count: 0, wasCut: false }
  const layer = Layer.effect(
    ClientTransport.ClientTransport,
    Effect.map(ClientTransport.ClientTransport, (memory): ClientTransport.ClientTransport["Service"] => ({
      ...memory,
      connect: (listener) =>
        Effect.gen(function*() {
          let isOpen = true
          const pass = (deliver: () => void) => {
            if (!isOpen) return
            if (!state.isArmed || ++state.count !== boundary) return deliver()
            state.wasCut = true
            if (isDelivered) deliver()
            isOpen = false
            listener.closed(TransportError.make(new TransportError.Closed({})))
          }
          const connection = yield* memory.connect({
            ...listener,
            receive: (message, about) => pass(() => listener.receive(message, about))
          })
          return { ...connection, send: (message) => pass(() => connection.send(message)) }
        })
    }))
  ).pipe(Layer.provide(Memory.layer))
  return { layer, state }
}

const inMemory = (
  revision: Revisions.Version,
  asks: boolean,
  isDelivered: boolean,
  key: string | undefined,
  check: (ended: Ended) => void
) =>
  atEach((boundary) =>
    Effect.scoped(Effect.gen(function*() {
      const { done, server } = paying()
      const { layer, state } = cutting(boundary, isDelivered)
      const client = yield* connect(Layer.provide(layer, server), revision)
      state.isArmed = true
      const text = yield* call(client, asks, key)
      check({ text, done })
      return state
    }))
  )

// ----------------------------------------------------------------------------
// over HTTP
// ----------------------------------------------------------------------------

/** Hands on request and response part by part, and closes both ends before the part of this number. */
const cuttingHttp = (to: string, boundary: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const state = { isArmed: false, count: 0, wasCut: false }
      const server = Http.createServer((request, response) => {
        const parts: Array<Buffer> = []
        const pass = (deliver: () => void) => {
          if (!state.isArmed || ++state.count !== boundary) return deliver()
          state.wasCut = true
          request.socket.destroy()
        }
        request.on("data", (part: Buffer) => parts.push(part)).on("end", () =>
          pass(() => {
            const onward = Http.request(
              to,
              { method: request.method!, headers: request.headers, agent: false },
              (back) => {
                pass(() => {
                  response.writeHead(back.statusCode!, back.headers)
                  response.flushHeaders()
                })
                back.on("data", (part: Buffer) => pass(() => response.write(part))).on(
                  "end",
                  () => pass(() => response.end())
                )
                  .on("error", () => response.destroy())
              }
            )
            onward.on("error", () => response.destroy())
            // A client that goes is gone for the server, too.
            response.on("close", () => onward.destroy())
            onward.end(Buffer.concat(parts))
          }))
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(to).pathname}` }
    }),
    ({ server }) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        })
      )
  )

const overHttp = (revision: Revisions.Version, asks: boolean, key: string | undefined, check: (ended: Ended) => void) =>
  atEach((boundary) =>
    Effect.scoped(Effect.gen(function*() {
      const { done, server } = paying()
      const context = yield* Layer.build(
        NodeHttp.layer({ port: 0, grace: "50 millis" }).pipe(Layer.provideMerge(server))
      )
      const { state, url } = yield* cuttingHttp(Context.get(context, NodeHttp.Address).url, boundary)
      const client = yield* connect(NodeStreamableHttpClient.layer({ url }), revision)
      state.isArmed = true
      const text = yield* call(client, asks, key)
      check({ text, done })
      return state
    }))
  )

const once = (done: ReadonlyArray<string>) => assert.strictEqual(new Set(done).size, done.length, done.join())

describe("a connection that is cut at every boundary of a frame", () => {
  for (const revision of ["2025-11-25", "2026-07-28"] as ReadonlyArray<Revisions.Version>) {
    for (const isDelivered of [false, true]) {
      const where = `in memory, ${isDelivered ? "after" : "before"} the frame arrives, in ${revision}`

      it.live(
        `leaves a call with a key done once, and its caller with the result: ${where}`,
        () =>
          Effect.gen(function*() {
            const boundaries = yield* inMemory(revision, false, isDelivered, "a", ({ done, text }) => {
              assert.deepStrictEqual({ done, text }, { done: ["pay"], text: "paid" })
            })
            assert.isAtLeast(boundaries, 4)
          }),
        30_000
      )

      it.live(`leaves a call with a key that asks done no step twice: ${where}`, () =>
        Effect.gen(function*() {
          let paid = 0
          const boundaries = yield* inMemory(revision, true, isDelivered, "a", ({ done, text }) => {
            once(done)
            if (text === "paid") paid++
            // On a connection that is gone nobody can be asked.
            else assert.isTrue(revision === "2025-11-25" && text.startsWith("error: "), text)
            assert.lengthOf(done, text === "paid" ? 2 : 1)
          })
          assert.isAtLeast(boundaries, 6)
          assert.isAtLeast(paid, revision === "2026-07-28" ? boundaries + 1 : 3)
        }), 30_000)

      it.live(
        `leaves a call without a key done once at most, and its caller knowing: ${where}`,
        () =>
          Effect.gen(function*() {
            let unknown = 0
            yield* inMemory(revision, false, isDelivered, undefined, ({ done, text }) => {
              once(done)
              if (text === "paid") assert.deepStrictEqual(done, ["pay"])
              else {
                assert.strictEqual(text, "OutcomeUnknown")
                unknown++
              }
            })
            assert.isAtLeast(unknown, 3)
          }),
        30_000
      )
    }

    it.live(
      `leaves a call with a key done once, and its caller with the result: over HTTP, in ${revision}`,
      () =>
        Effect.gen(function*() {
          const boundaries = yield* overHttp(revision, false, "a", ({ done, text }) => {
            assert.deepStrictEqual({ done, text }, { done: ["pay"], text: "paid" })
          })
          assert.isAtLeast(boundaries, 4)
        }),
      60_000
    )

    it.live(
      `leaves a call without a key done once at most, and its caller knowing: over HTTP, in ${revision}`,
      () =>
        Effect.gen(function*() {
          let unknown = 0
          yield* overHttp(revision, false, undefined, ({ done, text }) => {
            once(done)
            if (text === "paid") assert.deepStrictEqual(done, ["pay"])
            else {
              assert.strictEqual(text, "OutcomeUnknown")
              unknown++
            }
          })
          assert.isAtLeast(unknown, 2)
        }),
      60_000
    )

    it.live(
      `leaves a call with a key that asks done no step twice: over HTTP, in ${revision}`,
      () =>
        Effect.gen(function*() {
          let paid = 0
          const boundaries = yield* overHttp(revision, true, "a", ({ done, text }) => {
            once(done)
            if (text === "paid") paid++
            else assert.isTrue(revision === "2025-11-25" && text.startsWith("error: "), text)
            assert.lengthOf(done, text === "paid" ? 2 : 1)
          })
          assert.isAtLeast(boundaries, 5)
          assert.isAtLeast(paid, revision === "2026-07-28" ? boundaries + 1 : 3)
        }),
      60_000
    )
  }
})
