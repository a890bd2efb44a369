/** What every result of 2026-07-28 carries beside its model. */
import * as Meta from "../../Meta.ts"
import type * as Revision from "../../Revision.ts"

interface Result {
  readonly _meta?: { readonly [key: string]: unknown }
}

/** Tags the result and says who answered. An extension's own `resultType` is kept. */
export const result = (model: Result, { serverInfo }: Revision.Projection): object => ({
  resultType: "complete",
  ...model,
  _meta: model._meta === undefined
    ? { [Meta.serverInfo]: serverInfo }
    : { ...model._meta, [Meta.serverInfo]: serverInfo }
})

export const cacheable = (model: Result, projection: Revision.Projection): object => ({
  ...projection.cacheHints,
  ...result(model, projection)
})
