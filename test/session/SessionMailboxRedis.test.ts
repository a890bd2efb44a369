import * as SessionMailboxRedis from "fastmcp-effect/session/SessionMailboxRedis"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/SessionMailbox.ts"
import { onRedis } from "./places.ts"

needing(redis, () => suite("on Redis", onRedis((prefix) => SessionMailboxRedis.layer({ prefix }))))
