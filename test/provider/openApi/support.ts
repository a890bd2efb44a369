/** An API that says what it was asked, in the place of one that does something. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as OpenApi from "fastmcp-effect/provider/OpenApi"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { serving } from "../support.ts"

/** A request as it is on the wire. */
export interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** The body, and its type where the request's own says nothing of it, as with a form whose parts need a boundary. */
export const wireOf = async ({ body, headers }: HttpClientRequest.HttpClientRequest) => {
  if (body._tag !== "FormData") return { headers, body: body._tag === "Uint8Array" ? body.body : undefined }
  const form = new Response(body.formData)
  return {
    headers: { ...headers, "content-type": form.headers.get("content-type")! },
    body: new Uint8Array(await form.arrayBuffer())
  }
}

type Answer = (asked: Asked) => Response | "unreachable" | Promise<Response>

/** Answers each request, and keeps it. */
export const api = (answer: Answer = (asked) => Response.json({ asked: asked.url.href })) => {
  const asked: Array<Asked> = []
  const client = HttpClient.make((request, url) =>
    Effect.flatMap(
      Effect.promise(async () => {
        const { body, headers } = await wireOf(request)
        const one = {
          method: request.method,
          url,
          headers,
          body: body === undefined ? "" : new TextDecoder().decode(body)
        }
        asked.push(one)
        return answer(one)
      }),
      (answer) =>
        answer === "unreachable"
          ? Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({
                request,
                cause: Object.assign(new Error("connect to 10.0.0.7 failed"), { code: "ECONNREFUSED" })
              })
            })
          )
          : Effect.succeed(HttpClientResponse.fromWeb(request, answer))
    )
  )
  return { asked, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

/** A client of a server in front of it. */
export const connected = (
  options: OpenApi.Options,
  { layer }: Pick<ReturnType<typeof api>, "layer">,
  test: McpTest.Options = {}
) => McpTest.client(serving(OpenApi.make(options)).pipe(Layer.provide(layer)), test)

/** A document of these paths. */
export const documentOf = (paths: JsonObject, rest: JsonObject = {}): JsonObject => ({
  openapi: "3.1.0",
  info: { title: "Test API", version: "1.0.0" },
  servers: [{ url: "https://api.example/v1" }],
  ...rest,
  paths
})

export const ok = { responses: { 200: { description: "ok", content: { "application/json": { schema: {} } } } } }
