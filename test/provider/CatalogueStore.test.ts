import * as CatalogueStore from "fastmcp-effect/provider/CatalogueStore"
import { memory } from "../session/places.ts"
import { suite } from "./contract/CatalogueStore.ts"

suite("in memory", memory(() => CatalogueStore.layerMemory))
