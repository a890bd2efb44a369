/**
 * `Effect.log` inside a request, for a client that has asked for logs.
 */
import * as Context from "effect/Context"
import * as Logger from "effect/Logger"
import * as ClientLog from "../../context/ClientLog.ts"
import * as RequestContext from "../../context/RequestContext.ts"
import * as handlerContext from "./handlerContext.ts"

export const logger: Logger.Logger<unknown, void> = Logger.make((options) => {
  // The author may have added it to the program's loggers.
  if (options.fiber.getRef(Logger.CurrentLoggers).has(ClientLog.logger)) return
  const request = Context.getOrUndefined(options.fiber.context, RequestContext.RequestContext)
  if (request instanceof handlerContext.HandlerContext && request.scope.wantsLogs()) ClientLog.logger.log(options)
})
