/** A process of its own that answers the rings of a place, says `ready` and then each id, and never comes to an end. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import * as DocketEnginePersistedQueue from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import * as DocketEngineBullMq from "fastmcp-effect/node/DocketEngineBullMq"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import { lease } from "./engineAddress.ts"
import type { Address } from "./engineAddress.ts"

const address: Address = JSON.parse(process.argv[2]!)

const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const sql = ({ prefix }: { readonly prefix: string }) => DocketEnginePersistedQueue.layerSql({ prefix, lease })

const engine: Layer.Layer<DocketEngine.DocketEngine, unknown> = address.kind === "redis"
  ? DocketEngineBullMq.layer({ url: address.url, prefix: address.prefix, lease })
  : address.kind === "pg"
  ? Layer.provide(sql(address), PgClient.layer({ url: Redacted.make(address.url) }))
  : Layer.provide(sql(address), SqliteClient.layer({ filename: address.url, synchronous: "normal" }))

Effect.gen(function*() {
  const { consume } = yield* DocketEngine.DocketEngine
  yield* say("ready")
  return yield* consume((id) => Effect.andThen(say(id), Effect.never), { concurrency: 5 })
}).pipe(Effect.provide(engine), Effect.runPromise)
