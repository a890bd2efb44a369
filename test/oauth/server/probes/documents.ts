/** What anybody may read, what pages of other origins may, and the logout. */
import { encoded, group, type Make, type Probe } from "./probe.ts"
import { authorization, authorizeUrl, from, tokens, type World } from "./world.ts"

const at = (path: string, method = "GET"): Make => ({ issuer }) => ({ url: `${issuer}${path}`, method })

const oauth = "/.well-known/oauth-authorization-server"
const openid = "/.well-known/openid-configuration"

const origin = "https://page.example"

const preflight = (url: (world: World) => string, method = "POST"): Make => (world) => ({
  url: url(world),
  method: "OPTIONS",
  headers: {
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": "authorization, content-type, dpop"
  }
})

const endpoints = [
  "authorization",
  "device_authorization",
  "introspection",
  "pushed_authorization_request",
  "registration",
  "revocation",
  "token",
  "userinfo"
] as const

const logout = (parameters: (world: World) => Promise<Readonly<Record<string, string>>>): Make => async (world) => ({
  url: `${world.at("end_session")}?${encoded(await parameters(world))}`
})

const hint = async (world: World): Promise<string> =>
  (await tokens(world, "website", { scope: "openid", resource: undefined })).id_token

const bye = "https://site.example/bye"

const unsigned = (token: string): string => token.replace(/\.[^.]*$/u, ".")

export const documents: ReadonlyArray<Probe> = [
  ...group("document", {
    good: {
      "the metadata of OAuth": at(oauth),
      "the metadata of OpenID": at(openid),
      "the keys": ({ jwksUri }) => ({ url: jwksUri })
    },
    odd: {
      ...Object.fromEntries(
        ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"].flatMap((method): Array<[string, Make]> => [
          [`${method} of the metadata of OAuth`, at(oauth, method)],
          [`${method} of the metadata of OpenID`, at(openid, method)],
          [`${method} of the keys`, ({ jwksUri }) => ({ url: jwksUri, method })]
        ])
      ),
      "the metadata with a query": at(`${oauth}?x=1`),
      "the metadata with a slash": at(`${oauth}/`),
      "the metadata of a path that is no issuer's": at(`${oauth}/other`),
      "the metadata below a path": at(`/other${oauth}`),
      "the metadata in capitals": at(oauth.toUpperCase()),
      "the metadata of a resource": at("/.well-known/oauth-protected-resource"),
      "the root": at("/"),
      "a path that is not there": at("/nothing-here"),
      "a path with dots": at("/x/..%2f.well-known/openid-configuration"),
      "a path that encodes nothing": at("/%zz")
    }
  }),
  ...group("document", {
    place: "bare",
    good: { "the metadata of OAuth": at(oauth) },
    odd: { "the metadata of OpenID": at(openid) }
  }),
  ...group("cors", {
    odd: {
      ...Object.fromEntries(endpoints.map((endpoint) => [
        `a page asks whether it may ask ${endpoint}`,
        preflight((world) => world.at(endpoint))
      ])),
      "a page asks whether it may read the metadata": preflight(({ issuer }) => issuer + oauth, "GET"),
      "a page asks whether it may read the keys": preflight(({ jwksUri }) => jwksUri, "GET"),
      "a page reads the metadata": ({ issuer }) => ({ url: issuer + oauth, headers: { origin } }),
      "a page reads the keys": ({ jwksUri }) => ({ url: jwksUri, headers: { origin } }),
      "a page asks for a token, in vain": (world) =>
        from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token: "x" }, { origin }),
      "a page asks for a token for its client": (world) =>
        from(world, "nightly", "token", { grant_type: "client_credentials", scope: "notes:read" }, { origin }),
      "a page asks authorize": (world) => ({
        url: authorizeUrl(world, authorization(world)),
        method: "HEAD",
        headers: { origin }
      }),
      "a page of no origin asks for a token": (world) =>
        from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token: "x" }, { origin: "null" })
    }
  }),
  ...group("logout", {
    good: {
      "as it should be": logout(async (world) => ({
        id_token_hint: await hint(world),
        post_logout_redirect_uri: bye,
        state: "s"
      }))
    },
    odd: {
      "nothing at all": logout(async () => ({})),
      "a hint alone": logout(async (world) => ({ id_token_hint: await hint(world) })),
      "a hint that is none": logout(async () => ({ id_token_hint: "junk" })),
      "a hint that nobody signed": logout(async (world) => ({ id_token_hint: unsigned(await hint(world)) })),
      "an access token as a hint": logout(async (world) => ({ id_token_hint: (await tokens(world)).access_token })),
      "a hint, and another client": logout(async (world) => ({
        id_token_hint: await hint(world),
        client_id: "desktop"
      })),
      "a foreign redirect": logout(async (world) => ({
        id_token_hint: await hint(world),
        post_logout_redirect_uri: "https://evil.example/bye"
      })),
      "a redirect below": logout(async (world) => ({
        id_token_hint: await hint(world),
        post_logout_redirect_uri: `${bye}/more`
      })),
      "a redirect with a query": logout(async (world) => ({
        id_token_hint: await hint(world),
        post_logout_redirect_uri: `${bye}?x=1`
      })),
      "a redirect of a login": logout(async (world) => ({
        id_token_hint: await hint(world),
        post_logout_redirect_uri: "https://site.example/callback"
      })),
      "a redirect and no client": logout(async () => ({ post_logout_redirect_uri: bye })),
      "a foreign redirect and no client": logout(async () => ({
        post_logout_redirect_uri: "https://evil.example/bye"
      })),
      "a redirect of a client without a hint": logout(async () => ({
        client_id: "website",
        post_logout_redirect_uri: bye
      })),
      "an unknown client": logout(async () => ({ client_id: "nobody" })),
      "POST": (world) => ({
        url: world.at("end_session"),
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: ""
      })
    }
  }),
  ...group("logout", { place: "bare", odd: { "where there is no OpenID": logout(async () => ({})) } })
]
