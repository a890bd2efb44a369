import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import { memory } from "../session/places.ts"
import { suite } from "./contract/CacheStore.ts"

suite("in memory", memory(CacheStore.layerMemory))
