/** What every result of 2026-07-28 carries beside its model, and what its questions leave out. */
import type * as McpSchema from "../../McpSchema.ts"
import * as Meta from "../../Meta.ts"
import type * as Revision from "../../Revision.ts"

interface Result {
  readonly resultType?: string
  readonly _meta?: { readonly [key: string]: unknown }
}

/** Tags the result and says who answered. `input_required`, or an extension's own `resultType`, is kept. */
export const result = (model: Result, { serverInfo }: Revision.Projection): object => ({
  resultType: "complete",
  ...model,
  _meta: model._meta === undefined
    ? { [Meta.serverInfo]: serverInfo }
    : { ...model._meta, [Meta.serverInfo]: serverInfo }
})

/** A list that is not the same for all says itself for whom it may be kept. */
export const cacheable = (
  { cacheHints, ...model }: Result & { readonly cacheHints?: Partial<McpSchema.CacheHints> },
  projection: Revision.Projection
): object => ({ ...hints(cacheHints, projection), ...result(model, projection) })

const hints = (
  own: Partial<McpSchema.CacheHints> | undefined,
  { cacheHints, isPersonal }: Revision.Projection
): McpSchema.CacheHints => ({
  ...cacheHints,
  ...own,
  ...(isPersonal === true ? { cacheScope: "private" } : undefined)
})

/** Which tools run as tasks is said call by call. */
const withTools = <A extends { readonly tools?: ReadonlyArray<McpSchema.Tool> }>(model: A): A =>
  model.tools?.some(({ execution }) => execution !== undefined) === true
    ? { ...model, tools: model.tools.map(({ execution: _, ...tool }) => tool) }
    : model

export const listToolsResult = (model: McpSchema.ListToolsResult & Result, projection: Revision.Projection): object =>
  cacheable(withTools(model), projection)

export const sampling = (params: McpSchema.CreateMessageParams): object => withTools(params)

/** A resource may say itself how fresh it is; a question is never kept. */
export const readResourceResult = (
  model: McpSchema.ReadResourceResult | McpSchema.InputRequiredResult,
  projection: Revision.Projection
): object => {
  if ("resultType" in model) return result(model, projection)
  const { cacheHints, ...rest } = model
  return { ...hints(cacheHints, projection), ...result(rest, projection) }
}

/** An extension's own result may say so, too. */
export const extensionResult = (
  model: Result & { readonly cacheHints?: Partial<McpSchema.CacheHints> },
  projection: Revision.Projection
): object => {
  if (model.cacheHints === undefined) return result(model, projection)
  const { cacheHints, ...rest } = model
  return { ...hints(cacheHints, projection), ...result(rest, projection) }
}

/** The id of 2025-11-25 names a question on a connection; here the question's key does. */
export const elicitation = (params: McpSchema.ElicitParams): object => {
  if (params.mode !== "url" || params.elicitationId === undefined) return params
  const { elicitationId: _, ...rest } = params
  return rest
}
