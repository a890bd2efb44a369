import * as SessionStore from "fastmcp-effect/session/SessionStore"
import { suite } from "./contract/SessionStore.ts"
import { memory } from "./places.ts"

suite("in memory", memory(() => SessionStore.layerMemory))
