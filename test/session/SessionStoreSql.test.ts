import * as SessionStoreSql from "fastmcp-effect/session/SessionStoreSql"
import { needing, postgres } from "../support/services.ts"
import { suite } from "./contract/SessionStore.ts"
import { onSql, pg, sqlite } from "./places.ts"

const layer = (prefix: string) => SessionStoreSql.layer({ prefix })

suite("on SQLite", onSql(sqlite, layer))

needing(postgres, () => suite("on Postgres", onSql(pg, layer)))
