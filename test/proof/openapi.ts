/**
 * `npm run proof:openapi`: what takes too long for every run of the tests. Each operation of each document is called, with
 * arguments made of what its tool lists, against Prism, which reads the request by the document. Names as arguments choose
 * among the documents; it says how many were called, and which have no arguments that could be made.
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Logger from "effect/Logger"
import * as OpenApi from "fastmcp-effect/provider/OpenApi"
import * as calling from "../provider/openApi/calling.ts"
import * as documents from "../provider/openApi/documents.ts"
import { main } from "./run.ts"

const run = (file: string) => () =>
  Effect.gen(function*() {
    const document = documents.valueOf(file)
    const { served } = yield* Effect.provide(OpenApi.inspect({ document, url: calling.url }), FetchHttpClient.layer)
    const outcomes = yield* Effect.forEach(served, (operation) =>
      Effect.timeoutOrElse(calling.call(file, document, operation), {
        duration: "2 minutes",
        orElse: () =>
          Effect.succeed({ operation: `${operation.method} ${operation.path}`, isCalled: false, faults: [] })
      }))
    const uncalled = outcomes.filter(({ isCalled }) =>
      !isCalled
    ).map(({ operation }) => operation)
    console.log(`${outcomes.length - uncalled.length} of ${served.length} operations were called`)
    for (const operation of uncalled) console.log(`not called: ${operation}`)
    return outcomes.flatMap(({ faults }) => faults)
  }).pipe(Effect.provide(Logger.layer([])), Effect.runPromise)

await main(Object.fromEntries(documents.known.map(({ file }) => [file.split(".")[0], run(file)])))
