import * as SessionStoreRedis from "fastmcp-effect/session/SessionStoreRedis"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/SessionStore.ts"
import { onRedis } from "./places.ts"

needing(redis, () => suite("on Redis", onRedis((prefix) => SessionStoreRedis.layer({ prefix }))))
