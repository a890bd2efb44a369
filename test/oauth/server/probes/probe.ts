/** One request to an authorization server, and the parts that requests are made of. */
import type { Person } from "../engine.ts"
import type { World } from "./world.ts"

export type Endpoint =
  | "authorize"
  | "cors"
  | "device"
  | "document"
  | "introspection"
  | "logout"
  | "pushed"
  | "registration"
  | "revocation"
  | "token"
  | "userinfo"

/** `full` has OpenID and registration, `bare` has neither, `nonce` is `bare` and demands nonces in DPoP proofs. */
export type Place = "full" | "bare" | "nonce"

/** What goes over the wire, as it stands. */
export interface Ask {
  readonly url: string
  readonly method?: string
  /** A list is that many headers of one name. */
  readonly headers?: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly body?: string
  /** Whose browser goes there, where a browser does: somebody who is not logged in. */
  readonly person?: Person
}

export type Make = (world: World) => Ask | Promise<Ask>

export interface Probe {
  readonly name: string
  readonly endpoint: Endpoint
  readonly place: Place
  /** No engine may refuse it: it proves that the requests made from it are odd only in what their name says. */
  readonly good: boolean
  readonly make: Make
}

export interface Group {
  readonly place?: Place
  readonly good?: Readonly<Record<string, Make>>
  readonly odd?: Readonly<Record<string, Make>>
}

export const group = (endpoint: Endpoint, { good = {}, odd = {}, place = "full" }: Group): ReadonlyArray<Probe> =>
  [{ makes: good, good: true }, { makes: odd, good: false }].flatMap(({ good, makes }) =>
    Object.entries(makes).map(([name, make]) => ({
      name: `${endpoint}${place === "full" ? "" : ` (${place})`}: ${name}`,
      endpoint,
      place,
      good,
      make
    }))
  )

/** A list is that many parameters of one name; undefined takes one away. */
export type Changes = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

export const encoded = (parameters: Changes): string =>
  String(
    new URLSearchParams(
      Object.entries(parameters).flatMap(([name, value]) =>
        [value ?? []].flat().map((one): [string, string] => [name, one])
      )
    )
  )

export type Headers = NonNullable<Ask["headers"]>

export const post = (url: string, parameters: Changes, headers: Headers = {}): Ask => ({
  url,
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  body: encoded(parameters)
})

export const json = (url: string, body: unknown, headers: Headers = {}): Ask => ({
  url,
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body)
})

/** RFC 6749 has both parts form-encoded first. */
export const basic = (id: string, secret: string): Headers => ({
  authorization: `Basic ${
    Buffer.from([id, secret].map((part) => encoded({ part }).slice("part=".length)).join(":")).toString("base64")
  }`
})
