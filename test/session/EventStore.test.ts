import * as EventStore from "fastmcp-effect/session/EventStore"
import { suite } from "./contract/EventStore.ts"
import { memory } from "./places.ts"

suite("in memory", memory(EventStore.layerMemory))
