import * as CatalogueStoreSql from "fastmcp-effect/provider/CatalogueStoreSql"
import { onDatabases, onSql } from "../session/places.ts"
import { suite } from "./contract/CatalogueStore.ts"

const layer = (prefix: string) => CatalogueStoreSql.layer({ prefix })

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, layer))
})
