/** What is asked about a token that is out: revocation, introspection and userinfo. */
import { basic, type Changes, encoded, group, type Headers, json, type Make, post, type Probe } from "./probe.ts"
import { clientToken, from, type Name, sent, type Tokens, tokens, type World } from "./world.ts"

type Endpoint = "introspection" | "revocation"

/** `asker` asks about a token of `owner`'s. */
const about = (
  endpoint: Endpoint,
  kind: "access_token" | "refresh_token",
  { asker = "website", changes = {}, owner = "website" }: {
    readonly owner?: Name
    readonly asker?: Name
    readonly changes?: Changes
  } = {}
): Make =>
async (world) => from(world, asker, endpoint, { token: (await tokens(world, owner))[kind], ...changes })

const asked = (endpoint: Endpoint): Record<string, Make> => {
  const asking = (changes: Changes) => about(endpoint, "refresh_token", { changes })
  return {
    "a token and no client": async (world) =>
      post(world.at(endpoint), { token: (await tokens(world, "website")).refresh_token }),
    "a client without its secret": async (world) =>
      post(world.at(endpoint), { token: (await tokens(world, "website")).refresh_token, client_id: "website" }),
    "a client with a wrong secret": async (world) =>
      post(world.at(endpoint), { token: (await tokens(world, "website")).refresh_token }, basic("website", "wrong")),
    "an unknown client": (world) => post(world.at(endpoint), { token: "x" }, basic("nobody", "wrong")),
    "a token of another client's": about(endpoint, "refresh_token", { owner: "desktop" }),
    "a public client's own token": about(endpoint, "refresh_token", { owner: "desktop", asker: "desktop" }),
    "a public client, and a token of another": about(endpoint, "refresh_token", { asker: "desktop" }),
    "an access token": about(endpoint, "access_token"),
    "an access token of another client's": about(endpoint, "access_token", { owner: "desktop" }),
    "a client's own access token": async (world) =>
      from(world, "nightly", endpoint, { token: await clientToken(world) }),
    "an unknown token": asking({ token: "never-given-out" }),
    "a token of an object's member": asking({ token: "__proto__" }),
    "a token that looks like a JWT": asking({ token: "eyJhbGciOiJub25lIn0.e30." }),
    "no token": asking({ token: undefined }),
    "an empty token": asking({ token: "" }),
    "token twice": asking({ token: ["a", "b"] }),
    "a token of 10 KB": asking({ token: "t".repeat(10_000) }),
    "a hint of the other kind": asking({ token_type_hint: "access_token" }),
    "an unknown hint": asking({ token_type_hint: "unknown" }),
    "token_type_hint twice": asking({ token_type_hint: ["refresh_token", "refresh_token"] }),
    "a token that was revoked": async (world) => {
      const { refresh_token } = await tokens(world, "website")
      await sent(from(world, "website", "revocation", { token: refresh_token }))
      return from(world, "website", endpoint, { token: refresh_token })
    },
    "GET": (world) => ({ url: `${world.at(endpoint)}?${encoded({ token: "x", client_id: "desktop" })}` }),
    "JSON": (world) => json(world.at(endpoint), { token: "x", client_id: "desktop" })
  }
}

const good = (endpoint: Endpoint): Record<string, Make> => ({
  "a client's own token": about(endpoint, "refresh_token"),
  "a hint": about(endpoint, "refresh_token", { changes: { token_type_hint: "refresh_token" } })
})

const forUserinfo = (world: World): Promise<Tokens> =>
  tokens(world, "website", { scope: "openid", resource: undefined })

const withHeaders = (headers: (tokens: Tokens) => Headers): Make => async (world) => ({
  url: world.at("userinfo"),
  headers: headers(await forUserinfo(world))
})

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` })

export const ofTokens: ReadonlyArray<Probe> = [
  ...group("revocation", {
    good: good("revocation"),
    odd: asked("revocation")
  }),
  ...group("introspection", { good: good("introspection"), odd: asked("introspection") }),
  ...group("token", {
    odd: {
      "a refresh token that another client revoked": async (world) => {
        const { refresh_token } = await tokens(world)
        await sent(from(world, "tablet", "revocation", { token: refresh_token }))
        return from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token })
      },
      "a refresh token of a client with a secret that another revoked": async (world) => {
        const { refresh_token } = await tokens(world, "website")
        await sent(from(world, "nightly", "revocation", { token: refresh_token }))
        return from(world, "website", "token", { grant_type: "refresh_token", refresh_token })
      },
      "a refresh token of which the access token was revoked": async (world) => {
        const { access_token, refresh_token } = await tokens(world)
        await sent(from(world, "desktop", "revocation", { token: access_token }))
        return from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token })
      }
    }
  }),
  ...group("userinfo", {
    good: {
      "GET": withHeaders(({ access_token }) => bearer(access_token)),
      "POST": async (world) => post(world.at("userinfo"), {}, bearer((await forUserinfo(world)).access_token))
    },
    odd: {
      "no token": (world) => ({ url: world.at("userinfo") }),
      "an unknown token": withHeaders(() => bearer("never-given-out")),
      "an empty token": withHeaders(() => ({ authorization: "Bearer " })),
      "a scheme in small letters": withHeaders(({ access_token }) => ({ authorization: `bearer ${access_token}` })),
      "another scheme": withHeaders(({ access_token }) => ({ authorization: `Basic ${access_token}` })),
      "two headers": withHeaders(({ access_token }) => ({
        authorization: [`Bearer ${access_token}`, `Bearer ${access_token}`]
      })),
      "a token in the URL": async (world) => ({
        url: `${world.at("userinfo")}?${encoded({ access_token: (await forUserinfo(world)).access_token })}`
      }),
      "a token in the body": async (world) =>
        post(world.at("userinfo"), { access_token: (await forUserinfo(world)).access_token }),
      "a token in the body and in the header": async (world) => {
        const { access_token } = await forUserinfo(world)
        return post(world.at("userinfo"), { access_token }, bearer(access_token))
      },
      "an id_token": withHeaders(({ id_token }) => bearer(id_token)),
      "a refresh token": withHeaders(({ refresh_token }) => bearer(refresh_token)),
      "a token without openid": async (world) => ({
        url: world.at("userinfo"),
        headers: bearer((await tokens(world, "website")).access_token)
      }),
      "a token with openid, for a resource": async (world) => ({
        url: world.at("userinfo"),
        headers: bearer((await tokens(world, "website", { scope: "openid notes:read" })).access_token)
      }),
      "a client's own token": async (world) => ({
        url: world.at("userinfo"),
        headers: bearer(await clientToken(world))
      }),
      "a token after it was revoked": async (world) => {
        const { access_token } = await forUserinfo(world)
        await sent(from(world, "website", "revocation", { token: access_token }))
        return { url: world.at("userinfo"), headers: bearer(access_token) }
      },
      "a token after its refresh token was revoked": async (world) => {
        const { access_token, refresh_token } = await forUserinfo(world)
        await sent(from(world, "website", "revocation", { token: refresh_token }))
        return { url: world.at("userinfo"), headers: bearer(access_token) }
      },
      "PUT": async (world) => ({
        url: world.at("userinfo"),
        method: "PUT",
        headers: bearer((await forUserinfo(world)).access_token)
      })
    }
  }),
  ...group("userinfo", {
    place: "bare",
    odd: { "where there is no OpenID": (world) => ({ url: world.at("userinfo") }) }
  })
]
