/** A docket as a program has it, on each engine that several processes share. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Docket from "fastmcp-effect/docket/Docket"
import type * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import * as DocketEnginePersistedQueue from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import type * as DocketRecords from "fastmcp-effect/docket/DocketRecords"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as DocketStoreSql from "fastmcp-effect/docket/DocketStoreSql"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as NodeDocketRedis from "fastmcp-effect/node/NodeDocketRedis"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"

export type Kind = "memory" | "SQLite" | "Postgres" | "Redis"

/** Where a docket is, for every process that has it. */
export interface Address {
  readonly kind: Kind
  /** Of SQLite, the file. */
  readonly url: string
  /** Of tables and keys. */
  readonly prefix: string
  readonly leaseMillis: number
  readonly cleanupMillis?: number
}

export const work = DocketTask.make("work", {
  payload: Schema.Struct({ number: Schema.Int, millis: Schema.Int }),
  success: Schema.Int,
  keep: "1 hour"
})

const maxExecutions = 1_000_000

type Parts = DocketStore.DocketStore | DocketEngine.DocketEngine

/** What BullMQ keeps of a docket in Redis begins with this. */
export const engineKeys = ({ prefix }: Address): string => `{${prefix}}:`

const onSql = (
  { cleanupMillis, leaseMillis, prefix }: Address,
  client: Layer.Layer<SqlClient.SqlClient, unknown>
): Layer.Layer<Parts, unknown> => {
  const cleanupInterval = Duration.millis(cleanupMillis ?? 60_000)
  return Layer.provide(
    Layer.mergeAll(
      DocketStoreSql.layer({ prefix, cleanupInterval }),
      DocketEnginePersistedQueue.layerSql({ prefix, cleanupInterval, lease: Duration.millis(leaseMillis) })
    ),
    client
  )
}

export const parts = (address: Address): Layer.Layer<Parts, unknown> => {
  const { cleanupMillis, kind, leaseMillis, prefix, url } = address
  switch (kind) {
    case "memory":
      return Layer.mergeAll(
        DocketStore.layerMemory({ maxExecutions, cleanupInterval: Duration.millis(cleanupMillis ?? 60_000) }),
        DocketEnginePersistedQueue.layerMemory
      )
    case "SQLite":
      return onSql(address, SqliteClient.layer({ filename: url, synchronous: "normal" }))
    case "Postgres":
      return onSql(address, PgClient.layer({ url: Redacted.make(url), maxConnections: 5 }))
    case "Redis":
      return NodeDocketRedis.layerParts({
        url,
        prefix,
        lease: Duration.millis(leaseMillis),
        cleanupInterval: Duration.millis(cleanupMillis ?? 60_000)
      })
  }
}

export const layer = (
  address: Address,
  around: (parts: Layer.Layer<Parts, unknown>) => Layer.Layer<Parts, unknown> = (parts) => parts
): Layer.Layer<Docket.Docket | DocketRecords.DocketRecords | Parts, unknown> =>
  Layer.provideMerge(Docket.layer(), around(parts(address)))

/** Until it works. */
export const again = Schedule.spaced("200 millis")
