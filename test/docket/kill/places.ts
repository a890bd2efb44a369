/** Empty places for a docket, on each engine, which leave nothing behind. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createClient } from "redis"
import * as services from "../../support/services.ts"
import type * as assembly from "./assembly.ts"
import * as servers from "./servers.ts"

export interface Place {
  readonly address: assembly.Address
  readonly remove: () => Promise<void>
}

export type Options = Pick<assembly.Address, "leaseMillis" | "cleanupMillis">

/** On the servers of the machine, if they answer. */
export interface Kept {
  readonly kind: assembly.Kind
  readonly needs?: services.Need
  readonly make: (options: Options) => Promise<Place>
}

const suffix = () => randomUUID().slice(0, 8)

const nothing = async () => {}

export const memory: Kept = {
  kind: "memory",
  make: async (options) => ({ address: { kind: "memory", url: "", prefix: "", ...options }, remove: nothing })
}

export const sqlite: Kept = {
  kind: "SQLite",
  make: async (options) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-docket-"))
    return {
      address: { kind: "SQLite", url: path.join(folder, "docket.db"), prefix: "t_", ...options },
      remove: async () => fs.rmSync(folder, { recursive: true, force: true })
    }
  }
}

const dropTables = (url: string, prefix: string): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const found = yield* sql<{ name: string }>`
        SELECT tablename AS name FROM pg_tables WHERE starts_with(tablename, ${prefix})`
      for (const { name } of found) yield* sql`DROP TABLE ${sql(name)}`
    }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })))
  )

export const postgres: Kept = {
  kind: "Postgres",
  needs: services.postgres,
  make: async (options) => {
    const { url } = services.postgres
    const prefix = `t_${suffix()}_`
    return { address: { kind: "Postgres", url, prefix, ...options }, remove: () => dropTables(url, prefix) }
  }
}

/** How many keys there were. */
export const deleteKeys = async (url: string, prefix: string): Promise<number> => {
  const client = await createClient({ url }).connect()
  try {
    let count = 0
    for await (const found of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      if (found.length > 0) count += await client.unlink(found)
    }
    return count
  } finally {
    await client.close()
  }
}

export const redis: Kept = {
  kind: "Redis",
  needs: services.redis,
  make: async (options) => {
    const { url } = services.redis
    const prefix = `t-${suffix()}`
    return {
      address: { kind: "Redis", url, prefix, ...options },
      remove: async () => void (await deleteKeys(url, `{${prefix}`))
    }
  }
}

export const shared: ReadonlyArray<Kept> = [sqlite, postgres, redis]

export interface OwnPlace extends Place {
  readonly server: servers.Server
}

/** On a server that is nobody else's. */
export interface Own {
  readonly kind: assembly.Kind
  readonly needs: services.Need
  readonly make: (options: Options) => Promise<OwnPlace>
}

const own = (kind: assembly.Kind, on: services.Need & { readonly make: () => Promise<servers.Server> }): Own => ({
  kind,
  needs: on,
  make: async (options) => {
    const server = await on.make()
    return { address: { kind, url: server.url, prefix: "t_", ...options }, server, remove: server.remove }
  }
})

export const ownPostgres: Own = own("Postgres", servers.postgres)

export const ownRedis: Own = own("Redis", servers.redis)
