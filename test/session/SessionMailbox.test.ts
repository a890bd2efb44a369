import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import { suite } from "./contract/SessionMailbox.ts"
import { memory } from "./places.ts"

suite("in memory", memory(() => SessionMailbox.layerMemory))
