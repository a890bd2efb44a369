/** Calls of tools that come over no connection: what a server is to its extensions. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Challenge from "../context/Challenge.ts"
import * as Identity from "../context/Identity.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Session from "../session/Session.ts"
import type * as backChannel from "./backChannel.ts"
import type * as Extension from "./Extension.ts"
import * as handlerContext from "./internal/handlerContext.ts"
import type * as lifecycle from "./lifecycle.ts"
import * as recordedChannel from "./recordedChannel.ts"
import type * as router from "./router.ts"
import * as statefulLifecycle from "./statefulLifecycle.ts"
import type * as Tenancy from "./Tenancy.ts"

export const make = ({ budget, router, serverInfo, services, tenancy }: {
  readonly serverInfo: McpSchema.Implementation
  readonly router: router.Router
  readonly services: Context.Context<never>
  readonly budget: Budget.Budget
  readonly tenancy: Tenancy.Tenancy | undefined
}): Extension.Host => {
  const answer = ({
    budget: left = Budget.unlimited,
    client,
    identity,
    meta,
    params,
    record,
    reportProgress,
    revision,
    taskId
  }: Extension.DetachedCall) =>
    Effect.suspend(() => {
      const context = Identity.context(identity)
      const scope: lifecycle.RequestScope = {
        revision,
        client,
        meta,
        logLevel: () => undefined,
        wantsLogs: () => false,
        session: undefined
      }
      const request = new handlerContext.HandlerContext({ id: taskId, method: "tools/call", params }, scope, {
        ...handlerContext.silence,
        context
      }, {
        connection: { transport: "memory", sessionId: undefined, push: undefined, context },
        siblings: router.siblings,
        backChannel: () => recordedChannel.make({ revision, client }, record),
        task: { id: taskId, reportProgress }
      })
      const plan = router.resolve(revision, "tools/call")!.handle(params, {
        request,
        session: new statefulLifecycle.StatefulLifecycle(Session.makeLocal()),
        header: undefined,
        limit: undefined
      })
      if (plan instanceof McpError.McpError) return Effect.fail(plan)
      return Effect.mapError(plan.effect, (error) => Challenge.include(error, plan.scopes)).pipe(
        Effect.updateContext((current: Context.Context<never>) =>
          Context.mergeAll(current, plan.context ?? services, context).pipe(
            Context.add(RequestContext.RequestContext, request),
            Context.add(Budget.CurrentBudget, Budget.start(Budget.meet(budget, { ...Budget.unlimited, ...left })))
          )
        ),
        Effect.ensuring(Effect.sync(() => request.end()))
      )
    })

  return {
    serverInfo,
    tenant: tenancy?.tenant,
    call: (call) => tenancy === undefined ? answer(call) : Effect.scoped(Effect.andThen(tenancy.keep, answer(call))),
    recorded: (request) =>
      Effect.suspend(() => {
        const channel = request instanceof handlerContext.HandlerContext ? request.backChannel() : undefined
        return channel !== undefined && "leave" in channel
          ? Effect.map((channel as backChannel.Rounds).leave, ({ answers, steps }) => ({
            answers: Object.fromEntries(
              Object.entries(answers).map(([key, [fingerprint, result]]) => [key, { fingerprint, result }])
            ),
            steps
          }))
          : Effect.succeed({ answers: {}, steps: {} })
      })
  }
}
