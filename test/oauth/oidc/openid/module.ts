/** What a module is given, and what it says. */
import { assert } from "vitest"
import type * as engine from "../../server/engine.ts"
import type { Json } from "./claims.ts"

/** A client that was registered, by hand or over HTTP. */
export interface Client {
  readonly id: string
  readonly secret: string
  readonly authenticates: "basic" | "post"
}

export const redirectUri = "https://client.example/callback"

export const postLogoutRedirectUri = "https://client.example/post_logout_redirect"

export const clients = {
  first: { id: "first", secret: "the first secret of at least 32 bytes", authenticates: "basic" },
  second: { id: "second", secret: "the second secret of at least 32 bytes", authenticates: "basic" },
  post: { id: "post", secret: "the third secret of at least 32 bytes", authenticates: "post" }
} as const satisfies { readonly [name: string]: Client }

export interface At {
  readonly issuer: string
  readonly metadata: Json
  readonly keys: ReadonlyArray<Json>
  /** A browser that nobody has used. */
  readonly person: engine.Person["fetch"]
  /** What a client fetches. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  readonly wait: (seconds: number) => Promise<void>
  /** The suite would warn of what is not so. */
  readonly warn: (isRight: boolean, otherwise: string) => void
  /** The suite asks for a screenshot of it; the module has looked. */
  readonly review: (what: string) => void
}

/** Fails by throwing, as every test. */
export type Body = (at: At) => Promise<void>

/** The suite ends the module here, and certifies nevertheless. */
export class Skipped extends Error {}

export const skip = (why: string): never => {
  throw new Skipped(why)
}

export const text = (value: unknown, what: string): string => {
  assert.isString(value, what)
  return value as string
}

/** A list of the metadata, empty where it is left out. */
export const listed = (at: At, name: string): ReadonlyArray<unknown> => {
  const value = at.metadata[name] ?? []
  assert.isArray(value, name)
  return value as ReadonlyArray<unknown>
}

export const endpoint = (at: Pick<At, "metadata">, name: string): string => text(at.metadata[name], name)

export const jsonOf = async (response: Response): Promise<Json> => {
  assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/iu)
  const json: unknown = await response.json()
  assert.isObject(json)
  return json as Json
}
