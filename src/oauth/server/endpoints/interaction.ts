/** Where a user logs in and says yes or no, and where they come back to from a login elsewhere. */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as interactions from "../interactions.ts"
import type { Endpoint } from "../issuer.ts"
import * as parameters from "../parameters.ts"

const idOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?", 1)[0]!.split("/").at(-1)!

export const interaction: Endpoint = {
  path: "/interaction/:id",
  methods: {
    GET: (issuer, request) =>
      Effect.flatMap(
        parameters.ofQuery(request),
        (query) => interactions.resume(issuer, request, idOf(request), undefined, query)
      ),
    POST: (issuer, request) =>
      Effect.flatMap(
        parameters.ofForm(request),
        (form) => interactions.resume(issuer, request, idOf(request), form, new Map())
      )
  },
  audience: "person"
}

export const callback: Endpoint = {
  path: "/callback",
  methods: {
    GET: (issuer, request) =>
      Effect.flatMap(
        parameters.ofQuery(request),
        (query) => interactions.resume(issuer, request, query.get("state") ?? "", undefined, query)
      )
  },
  audience: "person"
}
