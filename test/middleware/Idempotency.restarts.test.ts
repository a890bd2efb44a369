/** The process of the server dies at every step of a call, and another one takes its place on the same store. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as ReceiptStoreRedis from "fastmcp-effect/middleware/ReceiptStoreRedis"
import * as ReceiptStoreSql from "fastmcp-effect/middleware/ReceiptStoreSql"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import { type Backend, onDatabases, onRedis, onSql } from "../session/places.ts"
import { needing, redis } from "../support/services.ts"
import { charging } from "./idempotent.ts"
import { serve } from "./serving.ts"

const steps = [
  "before begin",
  "after begin",
  "after the side effect",
  "before the receipt",
  "after the receipt"
] as const

type Step = typeof steps[number]

/** How long a process that has died holds a call. */
const lease = 400

/** A server whose first process dies at a step, and whose next do not. */
const dying = (
  process: () => Layer.Layer<ReceiptStore.ReceiptStore, unknown>,
  at: Step,
  annotations: McpSchema.ToolAnnotations
) =>
  Effect.gen(function*() {
    const listeners = new Set<ClientTransport.Listener>()
    const done: Array<number> = []
    let current: Context.Context<Receiver.Receiver> | undefined
    let processes = 0

    /** What a process does that is no more: nothing, and nobody hears of it. */
    const die = Effect.suspend(() => {
      current = undefined
      for (const listener of [...listeners]) listener.closed(TransportError.make(new TransportError.Closed({})))
      return Effect.never
    })

    const start = Effect.gen(function*() {
      const number = ++processes
      const reached = (step: Step) => Effect.suspend(() => number === 1 && step === at ? die : Effect.void)
      const isDead = () => number === 1 && current !== context
      /** Of a process that has died nothing reaches the store. */
      const alive = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.suspend((): Effect.Effect<A, E> => isDead() ? Effect.interruptible(Effect.never) : effect)
      const scope = yield* Scope.make()
      // Long after, as nothing of it is left to say anything.
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const { tool } = charging((amount, count) => {
        done.push(amount)
        return Effect.as(reached("after the side effect"), `${amount} in process ${number}, ${count}`)
      }, { annotations })
      const store = Layer.effect(
        ReceiptStore.ReceiptStore,
        Effect.map(ReceiptStore.ReceiptStore, (store) => ({
          ...store,
          begin: (key, call) =>
            reached("before begin").pipe(
              Effect.andThen(alive(store.begin(key, call))),
              Effect.tap(reached("after begin")),
              Effect.interruptible
            ),
          renew: (...all) => alive(store.renew(...all)),
          end: (...all) =>
            reached("before the receipt").pipe(
              Effect.andThen(alive(store.end(...all))),
              Effect.tap(reached("after the receipt")),
              Effect.interruptible
            )
        } satisfies ReceiptStore.ReceiptStore["Service"]))
      ).pipe(Layer.provide(process()))
      const context: Context.Context<Receiver.Receiver> = yield* Layer.build(
        serve([Idempotency.make({ lease, wait: 0 })], tool).pipe(Layer.provide(store))
      ).pipe(Scope.provide(scope))
      current = context
    })

    const transport = Layer.succeed(
      ClientTransport.ClientTransport,
      {
        kind: "memory",
        address: "a server that restarts",
        origin: undefined,
        connect: (listener) =>
          Effect.gen(function*() {
            if (current === undefined) yield* Effect.orDie(start)
            const memory = yield* Layer.build(
              Layer.fresh(Memory.layer).pipe(Layer.provide(Layer.succeedContext(current!)))
            )
            listeners.add(listener)
            yield* Effect.addFinalizer(() => Effect.sync(() => listeners.delete(listener)))
            return yield* Context.get(memory, ClientTransport.ClientTransport).connect(listener)
          })
      } as ClientTransport.ClientTransport["Service"]
    )
    return { done, transport, processes: () => processes }
  })

interface Ending {
  readonly text: string
  readonly done: number
}

/** How a call with a key ends for a client that sends it again while it is told that it is in progress. */
const ending = (
  process: () => Layer.Layer<ReceiptStore.ReceiptStore, unknown>,
  at: Step,
  revision: Revisions.Version,
  annotations: McpSchema.ToolAnnotations = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const { done, processes, transport } = yield* dying(process, at, annotations)
    const client = Context.get(
      yield* Layer.build(McpClient.layer({ revision }).pipe(Layer.provide(transport))),
      McpClient.McpClient
    )
    const call = Effect.map(
      Effect.result(client.callTool("charge", { amount: 5 }, { idempotencyKey: "a" })),
      (ended) =>
        Result.isSuccess(ended)
          ? (ended.success.content[0] as { readonly text: string }).text
          : ended.failure.reason._tag
    )
    let text = yield* call
    for (let count = 0; count < 20 && text === "InProgress"; count++) {
      yield* Effect.sleep(100)
      text = yield* call
    }
    assert.strictEqual(processes(), 2)
    // It stays so.
    assert.strictEqual(yield* call, text)
    return { text, done: done.length } satisfies Ending
  }))

const endings: { readonly [step in Step]: Ending } = {
  "before begin": { text: "5 in process 2, 1", done: 1 },
  "after begin": { text: "OutcomeUnknown", done: 0 },
  "after the side effect": { text: "OutcomeUnknown", done: 1 },
  "before the receipt": { text: "OutcomeUnknown", done: 1 },
  "after the receipt": { text: "5 in process 1, 1", done: 1 }
}

const harmless: { readonly [step in Step]: Ending } = {
  "before begin": { text: "5 in process 2, 1", done: 1 },
  "after begin": { text: "5 in process 2, 1", done: 1 },
  "after the side effect": { text: "5 in process 2, 1", done: 2 },
  "before the receipt": { text: "5 in process 2, 1", done: 2 },
  "after the receipt": { text: "5 in process 1, 1", done: 1 }
}

const suite = (name: string, { place }: Backend<ReceiptStore.ReceiptStore>) =>
  describe(`a server that dies, ${name}`, () => {
    for (const revision of ["2025-11-25", "2026-07-28"] as ReadonlyArray<Revisions.Version>) {
      for (const step of steps) {
        it.live(`${step} has not done it twice, in ${revision}`, () =>
          Effect.scoped(Effect.gen(function*() {
            const process = yield* place
            assert.deepStrictEqual(yield* ending(process, step, revision), endings[step])
          })), 20_000)
      }
    }

    for (const step of steps) {
      it.live(`${step} does again what may happen twice`, () =>
        Effect.scoped(Effect.gen(function*() {
          const process = yield* place
          assert.deepStrictEqual(
            yield* ending(process, step, "2026-07-28", { idempotentHint: true }),
            harmless[step]
          )
        })), 20_000)
    }
  })

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, (prefix) => ReceiptStoreSql.layer({ prefix })))
})

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => ReceiptStoreRedis.layer({ prefix })))
})

describe("a server that dies with its receipts", () => {
  for (const revision of ["2025-11-25", "2026-07-28"] as ReadonlyArray<Revisions.Version>) {
    for (const step of steps) {
      it.live(
        `${step} does not do again what its client was not told of, in ${revision}`,
        () =>
          Effect.scoped(Effect.gen(function*() {
            const { done, transport } = yield* dying(() => Layer.fresh(ReceiptStore.layerMemory()), step, {})
            const client = Context.get(
              yield* Layer.build(McpClient.layer({ revision }).pipe(Layer.provide(transport))),
              McpClient.McpClient
            )
            const error = yield* Effect.flip(client.callTool("charge", { amount: 5 }, { idempotencyKey: "a" }))
            assert.strictEqual(error.reason._tag, "OutcomeUnknown")
            assert.lengthOf(done, step === "before begin" || step === "after begin" ? 0 : 1)
          })),
        20_000
      )
    }
  }
})
