import * as SessionMailboxSql from "fastmcp-effect/session/SessionMailboxSql"
import { needing, postgres } from "../support/services.ts"
import { suite } from "./contract/SessionMailbox.ts"
import { onSql, pg, sqlite } from "./places.ts"

const layer = (prefix: string) => SessionMailboxSql.layer({ prefix, pollInterval: "20 millis" })

suite("on SQLite", onSql(sqlite, layer))

needing(postgres, () => suite("on Postgres", onSql(pg, layer)))
