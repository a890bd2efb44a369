/** Requests that are pushed, and what may be done with them. */
import { parameters } from "./authorize.ts"
import { basic, type Changes, encoded, group, json, type Make, post, type Probe } from "./probe.ts"
import { authorization, authorizeUrl, from, type Name, sent, type World } from "./world.ts"

const pushing = (changes: Changes, name: Name = "desktop"): Make => (world) =>
  from(world, name, "pushed_authorization_request", { ...authorization(world, name), ...changes })

const each = (changes: Readonly<Record<string, Changes>>): Record<string, Make> =>
  Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, pushing(change)]))

const push = async (world: World, name: Name = "desktop", changes: Changes = {}): Promise<string> => {
  const response = await sent(await pushing(changes, name)(world))
  if (!response.ok) throw new Error(`not pushed: ${await response.text()}`)
  return (await response.json() as { readonly request_uri: string }).request_uri
}

const going = (changes: Changes = {}): Make => async (world) => ({
  url: authorizeUrl(world, { client_id: "desktop", request_uri: await push(world), ...changes })
})

const { client: _client, good, more, redirect, ...others } = parameters

/** There is no person yet who could be asked. */
const { "prompt none, logged out": _none, ...told } = more

const {
  "a foreign redirect_uri": foreign,
  "a user": user,
  "another path": path,
  "no redirect_uri where two are registered": none,
  "redirect_uri twice": twice
} = redirect

export const pushed: ReadonlyArray<Probe> = [
  ...group("pushed", {
    good: {
      "as it should be": pushing({}),
      "of a client with a secret": pushing({}, "website"),
      "of a client that signs": pushing({}, "signer"),
      "another port of a loopback": pushing(good["another port of a loopback"])
    },
    odd: {
      ...each({
        "a foreign redirect_uri": foreign,
        "a user": user,
        "another path": path,
        "no redirect_uri where two are registered": none,
        "redirect_uri twice": twice
      }),
      ...each(others.response),
      ...each(others.pkce),
      ...each(others.resource),
      ...each(others.scope),
      ...each(told),
      "no client": pushing({ client_id: undefined }),
      "an unknown client": pushing({ client_id: "nobody" }),
      "a client without its secret": (world) =>
        post(world.at("pushed_authorization_request"), authorization(world, "website")),
      "a client with a wrong secret": (world) =>
        post(world.at("pushed_authorization_request"), authorization(world, "website"), basic("website", "wrong")),
      "a client with a secret, and another client_id": (world) =>
        from(world, "website", "pushed_authorization_request", {
          ...authorization(world, "website"),
          client_id: "tablet"
        }),
      "a request_uri of before": async (world) => pushing({ request_uri: await push(world) })(world),
      "a body of 100 KB": pushing({ unknown: "x".repeat(100_000) }),
      "JSON": (world) => json(world.at("pushed_authorization_request"), authorization(world)),
      "GET": (world) => ({ url: `${world.at("pushed_authorization_request")}?${encoded(authorization(world))}` })
    }
  }),
  ...group("authorize", {
    good: { "what was pushed": going() },
    odd: {
      "what was pushed, with other parameters": going({
        redirect_uri: "https://evil.example/callback",
        scope: "mail:read",
        state: "another"
      }),
      "what was pushed, with no client_id": going({ client_id: undefined }),
      "what another client pushed": going({ client_id: "tablet" }),
      "what was pushed, twice": async (world) => {
        const request_uri = await push(world)
        return { url: authorizeUrl(world, { client_id: "desktop", request_uri: [request_uri, request_uri] }) }
      },
      "what was pushed, with a character more": async (world) => ({
        url: authorizeUrl(world, { client_id: "desktop", request_uri: `${await push(world)}x` })
      }),
      "what was pushed, again before anybody said yes": async (world) => {
        const ask = await going()(world)
        await world.somebody().look(ask.url)
        return ask
      },
      "what was pushed, again after somebody said yes": async (world) => {
        const ask = await going()(world)
        await world.somebody().visit(ask.url)
        return ask
      },
      "what was pushed, again after somebody said no": async (world) => {
        const ask = await going()(world)
        await world.somebody().refuse(ask.url)
        return ask
      },
      "what was pushed with prompt none": async (world) => ({
        url: authorizeUrl(world, {
          client_id: "desktop",
          request_uri: await push(world, "desktop", { prompt: "none" })
        })
      })
    }
  })
]
