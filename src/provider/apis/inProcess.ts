/**
 * A client of an API that runs in this process: its requests go through the API's own routes, with whatever stands around
 * them, and never over a wire. The fiber of the call is that of the handler.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiError from "effect/http-api/HttpApiError"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/** Each request has its scope: that of a response in pieces is closed with it at the latest. */
export type Client = HttpClient.HttpClient.With<never, Scope.Scope>

export const make = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): Effect.Effect<Client, never, HttpApiGroup.ToService<Id, Groups> | Scope.Scope> =>
  Effect.map(
    HttpRouter.toHttpEffect(routes(api)),
    (app: App) =>
      HttpClient.makeWith(
        // No span of a client: the next thing in the trace is the request as the API sees it.
        Effect.flatMap((request) => answer(app, request)),
        (request: HttpClientRequest.HttpClientRequest) => Effect.succeed(request)
      )
  )

/** The platform is for those who serve files and forms; what handlers need of it comes with them. */
const routes = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  Layer.provide(HttpApiBuilder.layer(api), HttpServer.layerServices) as Layer.Layer<never, never, any>

type App = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

const answer = (
  app: App,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => {
    let response: HttpServerResponse.HttpServerResponse = failed
    let defect: Cause.Cause<never> | undefined
    const handled = HttpEffect.toHandled(
      Effect.matchCauseEffect(app, {
        onSuccess: Effect.succeed,
        onFailure: (cause) =>
          Effect.map(responseOf(cause), (response) => {
            // Its caller is here, and learns of a defect what it is; the trace has what HTTP would have said.
            if (response === undefined) defect = cause as Cause.Cause<never>
            return response ?? failed
          })
      }),
      (_request, sent) =>
        Effect.flatMap(Effect.scope, (inner) => {
          response = sent
          if (sent.body._tag !== "Stream") return Effect.void
          HttpEffect.scopeDisableClose(inner)
          return Scope.addFinalizerExit(scope, (exit) => Scope.close(inner as Scope.Closeable, exit))
        })
    )
    return Effect.flatMap(
      Effect.provideService(handled, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
      () =>
        defect === undefined
          ? Exit.succeed(HttpServerResponse.toClientResponse(response, { request }))
          : Exit.failCause(defect)
    )
  })

const failed = HttpServerResponse.empty({ status: 500 })

/** What is an answer of HTTP in itself: no such route, an error that says how it is told. */
const responseOf = (cause: Cause.Cause<unknown>): Effect.Effect<HttpServerResponse.HttpServerResponse | undefined> =>
  cause.reasons.every((reason) =>
      Cause.isDieReason(reason) ? isAnswer(reason.defect) : Cause.isFailReason(reason) && isAnswer(reason.error)
    )
    ? Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)
    : Effect.succeed(undefined)

const isAnswer = (error: unknown): boolean =>
  HttpServerResponse.isHttpServerResponse(error)
  || HttpServerRespondable.isRespondable(error) && !isOwnFault(error)

/** A result that is not what its schema says is a mistake of the handler. */
const isOwnFault = (error: unknown): boolean =>
  HttpApiError.HttpApiSchemaError.is(error) && (error.kind === "Body" || error.kind === "ResponseHeaders")
