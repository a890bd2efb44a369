/**
 * The API of a document, by Prism: it reads each request by itself, says what is wrong with it by the document, and answers
 * with an example of that.
 */
import { createInstance, getHttpOperationsFromSpec } from "@stoplight/prism-http"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import { wireOf } from "./support.ts"

const silent = () => {}

const logger: any = {
  ...Object.fromEntries(
    ["trace", "debug", "info", "warn", "error", "fatal", "success"].map((level) => [level, silent])
  ),
  child: () => logger
}

/** A new one for each request: it writes down there what the first one accepts. */
const config = () => ({
  mock: { dynamic: false },
  isProxy: false as const,
  checkSecurity: true,
  validateRequest: true,
  validateResponse: false,
  errors: false,
  upstreamProxy: undefined
})

const prism = createInstance(config(), { logger })

/** What was wrong with a request. */
export interface Heard {
  readonly url: string
  readonly body: unknown
  readonly faults: ReadonlyArray<string>
  readonly status: number
}

/** The document, or a part of it. */
export const make = async (document: JsonObject) => {
  // It writes into what it is given.
  const operations = await getHttpOperationsFromSpec(structuredClone(document))
  const heard: Array<Heard> = []
  const client = HttpClient.make((request, url) =>
    Effect.promise(async () => {
      const wire = await wireOf(request)
      const headers = { ...wire.headers }
      const text = wire.body === undefined ? undefined : new TextDecoder("latin1").decode(wire.body)
      const isJson = /[/+]json/u.test(headers["content-type"] ?? "")
      if (wire.body !== undefined) headers["content-length"] = String(wire.body.length)
      const body = text === undefined
        ? undefined
        : isJson
        ? JSON.parse(new TextDecoder().decode(wire.body))
        : text
      const outcome: any = await prism.request(
        {
          method: request.method.toLowerCase() as "get",
          url: { path: url.pathname, query: queryOf(url.searchParams) },
          headers,
          body
        },
        operations,
        config()
      )()
      if (outcome._tag === "Left") {
        const { additional, message, status = 500 } = outcome.left
        heard.push({ url: url.href, body, faults: [`${message} ${JSON.stringify(additional ?? {})}`], status })
        return HttpClientResponse.fromWeb(request, Response.json({ message }, { status }))
      }
      const { output, validations } = outcome.right
      heard.push({
        url: url.href,
        body,
        faults: validations.input.map((fault: any) => `${fault.path?.join(".")}: ${fault.message}`),
        status: output.statusCode
      })
      return HttpClientResponse.fromWeb(request, answerOf(output))
    })
  )
  return { heard, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const queryOf = (params: URLSearchParams) =>
  Object.fromEntries([...params.keys()].map((key) => {
    const values = params.getAll(key)
    return [key, values.length === 1 ? values[0]! : values]
  }))

const answerOf = ({ body, headers = {}, statusCode }: any): Response => {
  const answered = new Headers(headers)
  // An example of an address is no address.
  if (answered.has("location")) answered.set("location", "https://files.example/1")
  const isEmpty = body === undefined || body === null || [204, 205, 304].includes(statusCode)
  return new Response(isEmpty ? null : typeof body === "string" ? body : JSON.stringify(body), {
    status: statusCode,
    headers: answered
  })
}
