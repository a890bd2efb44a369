import { type Changes, encoded, group, type Make, type Probe } from "./probe.ts"
import {
  appCallback,
  authorization,
  authorizeUrl,
  callback,
  code,
  mail,
  notes,
  siteCallback,
  tabletCallback
} from "./world.ts"

/** Each is the request that is good but for these parameters. */
export const parameters = {
  good: {
    "as it should be": {},
    "no state": { state: undefined },
    "a state of every kind of character": { state: "ä €\u{1F600} \"'<>&%2B+" },
    "a state of 4 KB": { state: "s".repeat(4096) },
    "another registered redirect_uri": { redirect_uri: appCallback },
    "another port of a loopback": { redirect_uri: "http://127.0.0.1:61234/callback" },
    "no port of a loopback": { redirect_uri: "http://127.0.0.1/callback" },
    "response_mode query": { response_mode: "query" },
    "no resource": { resource: undefined },
    "unknown parameters": { unknown: "1", access_token: "x", __proto: "y" },
    "prompt login": { prompt: "login" },
    "prompt consent": { prompt: "consent" },
    "login_hint": { login_hint: "anna" }
  },
  client: {
    "no client_id": { client_id: undefined },
    "an empty client_id": { client_id: "" },
    "an unknown client_id": { client_id: "nobody" },
    "a client_id of an object's member": { client_id: "__proto__" },
    "client_id twice": { client_id: ["desktop", "desktop"] },
    "client_id twice, of two clients": { client_id: ["desktop", "tablet"] },
    "a client that has no code grant": { client_id: "nightly", redirect_uri: undefined },
    "a client_id that is a URL": { client_id: "https://client.example/metadata.json" }
  },
  redirect: {
    "no redirect_uri where two are registered": { redirect_uri: undefined },
    "no redirect_uri where one is registered": { client_id: "website", redirect_uri: undefined },
    "an empty redirect_uri": { redirect_uri: "" },
    "redirect_uri twice": { redirect_uri: [callback, callback] },
    "redirect_uri twice, one of them foreign": { redirect_uri: [callback, "https://evil.example/callback"] },
    "a foreign redirect_uri": { redirect_uri: "https://evil.example/callback" },
    "the redirect_uri of another client": { redirect_uri: siteCallback },
    "another path": { redirect_uri: "http://127.0.0.1:4711/callback2" },
    "a path below": { redirect_uri: `${callback}/more` },
    "the path above": { redirect_uri: "http://127.0.0.1:4711/" },
    "a trailing slash": { redirect_uri: `${callback}/` },
    "two slashes": { redirect_uri: "http://127.0.0.1:4711//callback" },
    "another case in the path": { redirect_uri: "http://127.0.0.1:4711/Callback" },
    "an encoded path": { redirect_uri: "http://127.0.0.1:4711/%63allback" },
    "a path with dots": { redirect_uri: "http://127.0.0.1:4711/x/../callback" },
    "a path with encoded dots": { redirect_uri: "http://127.0.0.1:4711/x/%2e%2e/callback" },
    "a path parameter": { redirect_uri: `${callback};x=1` },
    "a query": { redirect_uri: `${callback}?x=1` },
    "an empty query": { redirect_uri: `${callback}?` },
    "a fragment": { redirect_uri: `${callback}#x` },
    "an empty fragment": { redirect_uri: `${callback}#` },
    "a user": { redirect_uri: "http://anna@127.0.0.1:4711/callback" },
    "a user that looks like the host": { redirect_uri: "http://127.0.0.1:4711@evil.example/callback" },
    "a user and a port that look like the host": { redirect_uri: "http://127.0.0.1:x@evil.example/callback" },
    "a host that starts like the address": { redirect_uri: "http://127.0.0.1.evil.example:4711/callback" },
    "localhost for the address": { redirect_uri: "http://localhost:4711/callback" },
    "the other loopback address": { redirect_uri: "http://[::1]:4711/callback" },
    "the next loopback address": { redirect_uri: "http://127.0.0.2:4711/callback" },
    "the address as one number": { redirect_uri: "http://2130706433:4711/callback" },
    "the address in short": { redirect_uri: "http://127.1:4711/callback" },
    "the address with a dot behind": { redirect_uri: "http://127.0.0.1.:4711/callback" },
    "https on the loopback": { redirect_uri: "https://127.0.0.1:4711/callback" },
    "another port and another path": { redirect_uri: "http://127.0.0.1:61234/other" },
    "another port and a query": { redirect_uri: "http://127.0.0.1:61234/callback?x=1" },
    "another port and a user": { redirect_uri: "http://anna@127.0.0.1:61234/callback" },
    "a port that is none": { redirect_uri: "http://127.0.0.1:99999/callback" },
    "a port with zeros": { redirect_uri: "http://127.0.0.1:004711/callback" },
    "a scheme in capitals": { redirect_uri: "HTTP://127.0.0.1:4711/callback" },
    "a backslash": { redirect_uri: "http://127.0.0.1:4711\\callback" },
    "a space before": { redirect_uri: ` ${callback}` },
    "a newline behind": { redirect_uri: `${callback}\n` },
    "a tab within": { redirect_uri: "http://127.0.0.1:4711/call\tback" },
    "a null behind": { redirect_uri: `${callback}\0` },
    "a query that is missing": { redirect_uri: "https://app.example/callback" },
    "a query of more": { redirect_uri: `${appCallback}&x=1` },
    "a query of another value": { redirect_uri: "https://app.example/callback?kept=2" },
    "another port of a web host": { redirect_uri: "https://app.example:444/callback?kept=1" },
    "the default port of a web host": { redirect_uri: "https://app.example:443/callback?kept=1" },
    "a web host in capitals": { redirect_uri: "https://APP.example/callback?kept=1" },
    "a host below a web host": { redirect_uri: "https://x.app.example/callback?kept=1" },
    "a web host with a dot behind": { redirect_uri: "https://app.example./callback?kept=1" },
    "http for a web host": { redirect_uri: "http://app.example/callback?kept=1" },
    "a relative redirect_uri": { redirect_uri: "/callback" },
    "a redirect_uri without its scheme": { redirect_uri: "//127.0.0.1:4711/callback" },
    "a redirect_uri that runs": { redirect_uri: "javascript:alert(1)" },
    "a redirect_uri that is data": { redirect_uri: "data:text/html,hello" },
    "a scheme of an app's": { redirect_uri: "com.example.app:/callback" },
    "a redirect_uri encoded twice": { redirect_uri: encodeURIComponent(callback) }
  },
  response: {
    "no response_type": { response_type: undefined },
    "an empty response_type": { response_type: "" },
    "response_type token": { response_type: "token" },
    "response_type id_token": { response_type: "id_token", scope: "openid", nonce: "n" },
    "response_type code token": { response_type: "code token" },
    "response_type code id_token": { response_type: "code id_token", scope: "openid", nonce: "n" },
    "response_type none": { response_type: "none" },
    "an unknown response_type": { response_type: "unknown" },
    "response_type in capitals": { response_type: "CODE" },
    "response_type twice": { response_type: ["code", "code"] },
    "response_mode fragment": { response_mode: "fragment" },
    "response_mode form_post": { response_mode: "form_post" },
    "response_mode web_message": { response_mode: "web_message" },
    "response_mode jwt": { response_mode: "jwt" },
    "response_mode query.jwt": { response_mode: "query.jwt" },
    "an unknown response_mode": { response_mode: "unknown" },
    "an empty response_mode": { response_mode: "" },
    "response_mode twice": { response_mode: ["query", "query"] }
  },
  pkce: {
    "no code_challenge": { code_challenge: undefined, code_challenge_method: undefined },
    "a method and no code_challenge": { code_challenge: undefined },
    "no code_challenge_method": { code_challenge_method: undefined },
    "an empty code_challenge": { code_challenge: "" },
    "an empty code_challenge_method": { code_challenge_method: "" },
    "code_challenge_method plain": { code_challenge_method: "plain" },
    "code_challenge_method in small letters": { code_challenge_method: "s256" },
    "an unknown code_challenge_method": { code_challenge_method: "S512" },
    "code_challenge_method twice": { code_challenge_method: ["S256", "plain"] },
    "a code_challenge of 42 characters": { code_challenge: "a".repeat(42) },
    "a code_challenge of 44 characters": { code_challenge: "a".repeat(44) },
    "a code_challenge of 128 characters": { code_challenge: "a".repeat(128) },
    "a code_challenge of 129 characters": { code_challenge: "a".repeat(129) },
    "a code_challenge with a plus": { code_challenge: `+${"a".repeat(42)}` },
    "a code_challenge with padding": { code_challenge: `${"a".repeat(43)}=` },
    "a code_challenge with a tilde": { code_challenge: `~${"a".repeat(42)}` },
    "a code_challenge with a space": { code_challenge: ` ${"a".repeat(42)}` },
    "code_challenge twice": { code_challenge: ["a".repeat(43), "b".repeat(43)] }
  },
  resource: {
    "an unknown resource": { resource: "https://unknown.example/mcp" },
    "a resource with a fragment": { resource: `${notes}#x` },
    "a resource with an empty fragment": { resource: `${notes}#` },
    "a resource with a query": { resource: `${notes}?x=1` },
    "a resource with a trailing slash": { resource: `${notes}/` },
    "a resource with its host in capitals": { resource: "https://NOTES.example/mcp" },
    "a resource with its default port": { resource: "https://notes.example:443/mcp" },
    "a resource above": { resource: "https://notes.example" },
    "a relative resource": { resource: "/mcp" },
    "an empty resource": { resource: "" },
    "a resource that is no URI": { resource: "notes" },
    "two resources": { resource: [notes, mail] },
    "one resource twice": { resource: [notes, notes] },
    "a known and an unknown resource": { resource: [notes, "https://unknown.example/mcp"] }
  },
  scope: {
    "no scope": { scope: undefined },
    "an empty scope": { scope: "" },
    "an unknown scope": { scope: "unknown" },
    "a known and an unknown scope": { scope: "notes:read unknown" },
    "one scope twice": { scope: "notes:read notes:read" },
    "scope twice": { scope: ["notes:read", "notes:write"] },
    "a scope of another resource": { scope: "mail:read" },
    "two spaces between scopes": { scope: "notes:read  notes:write" },
    "a space around the scope": { scope: " notes:read " },
    "a tab between scopes": { scope: "notes:read\tnotes:write" },
    "a scope with a quote": { scope: "notes:read\"" },
    "a scope with a backslash": { scope: "notes:read\\" },
    "a scope with an umlaut": { scope: "nötes:read" },
    "a scope in capitals": { scope: "NOTES:READ" },
    "a scope of 4 KB": { scope: "s".repeat(4096) },
    "offline_access without consent": { scope: "notes:read offline_access" }
  },
  more: {
    "state twice": { state: ["a", "b"] },
    "an empty state": { state: "" },
    "an unknown parameter twice": { unknown: ["1", "2"] },
    "prompt none, logged out": { prompt: "none" },
    "prompt select_account": { prompt: "select_account" },
    "prompt create": { prompt: "create" },
    "an unknown prompt": { prompt: "unknown" },
    "prompt none with another": { prompt: "none login" },
    "an empty prompt": { prompt: "" },
    "prompt twice": { prompt: ["login", "consent"] },
    "a request object that nobody signed": { request: "eyJhbGciOiJub25lIn0.e30." },
    "a request object that is none": { request: "junk" },
    "a foreign request_uri": { request_uri: "https://evil.example/request.jwt" },
    "a request_uri inside the network": { request_uri: "http://127.0.0.1:1/request" },
    "a request_uri that was never pushed": { request_uri: "urn:ietf:params:oauth:request_uri:never" },
    "an empty request_uri": { request_uri: "" },
    "a request object and a request_uri": { request: "junk", request_uri: "https://evil.example/request.jwt" },
    "registration": { registration: "{}" },
    "claims without openid": { claims: "{\"id_token\":{}}" },
    "max_age without openid": { max_age: "10" },
    "nonce without openid": { nonce: "n" },
    "acr_values without openid": { acr_values: "1" },
    "id_token_hint without openid": { id_token_hint: "junk" },
    "dpop_jkt that is none": { dpop_jkt: "junk" }
  }
} satisfies Record<string, Record<string, Changes>>

/** Likewise, with `openid`. */
const openid = {
  good: {
    "openid": {},
    "openid with a nonce": { nonce: "n" },
    "max_age": { max_age: "10" },
    "max_age 0": { max_age: "0" },
    "display and ui_locales": { display: "page", ui_locales: "de fr" }
  },
  odd: {
    "an empty nonce": { nonce: "" },
    "nonce twice": { nonce: ["a", "b"] },
    "max_age below 0": { max_age: "-1" },
    "max_age that is no number": { max_age: "junk" },
    "max_age of a half": { max_age: "1.5" },
    "max_age in another notation": { max_age: "0x10" },
    "max_age that is too big": { max_age: "99999999999999999999" },
    "an empty max_age": { max_age: "" },
    "max_age twice": { max_age: ["1", "2"] },
    "an id_token_hint that is none": { id_token_hint: "junk" },
    "an id_token_hint that nobody signed": {
      id_token_hint: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIiwiYXVkIjoiZGVza3RvcCJ9."
    },
    "claims that are none": { claims: "junk" },
    "claims that are a list": { claims: "[]" },
    "claims of an essential": { claims: "{\"userinfo\":{\"email\":{\"essential\":true}}}" },
    "claims of another subject": { claims: "{\"id_token\":{\"sub\":{\"value\":\"somebody\"}}}" },
    "an unknown display": { display: "unknown" },
    "openid and a scope of a resource": { scope: "openid notes:read" },
    "openid twice": { scope: "openid openid" },
    "profile and email": { scope: "openid profile email" },
    "prompt none with openid": { prompt: "none" }
  }
} satisfies Record<string, Record<string, Changes>>

const changed = (changes: Readonly<Record<string, Changes>>, base: Changes = {}): Record<string, Make> =>
  Object.fromEntries(
    Object.entries(changes).map(([name, change]): [string, Make] => [
      name,
      (world) => ({ url: authorizeUrl(world, { ...authorization(world), ...base, ...change }) })
    ])
  )

const { good, ...odd } = parameters

const ofOpenId = { scope: "openid", resource: undefined }

export const authorize: ReadonlyArray<Probe> = [
  ...group("authorize", {
    good: { ...changed(good), ...changed(openid.good, ofOpenId) },
    odd: {
      ...Object.assign({}, ...Object.values(odd).map((changes) => changed(changes))),
      ...changed(openid.odd, ofOpenId),
      "nothing at all": (world) => ({ url: world.at("authorization") }),
      "percent signs that encode nothing": (world) => ({
        url: `${authorizeUrl(world, { ...authorization(world), state: undefined })}&state=%zz%`
      }),
      "parameters behind a semicolon": (world) => ({
        url: authorizeUrl(world, authorization(world)).replaceAll("&", ";")
      }),
      "the redirect_uri of another client, at the path of an own": (world) => ({
        url: authorizeUrl(world, { ...authorization(world), redirect_uri: tabletCallback })
      }),
      "prompt none, of a person who said yes before": async (world) => {
        await code(world)
        return { url: authorizeUrl(world, { ...authorization(world), prompt: "none" }), person: world.anna }
      },
      "nothing about prompts, of a person who said yes before": async (world) => {
        await code(world)
        return { url: authorizeUrl(world, authorization(world)), person: world.anna }
      },
      "POST": (world) => ({
        url: world.at("authorization"),
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: encoded(authorization(world))
      }),
      "POST of JSON": (world) => ({
        url: world.at("authorization"),
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(authorization(world))
      }),
      "PUT": (world) => ({ url: authorizeUrl(world, authorization(world)), method: "PUT" }),
      "DELETE": (world) => ({ url: authorizeUrl(world, authorization(world)), method: "DELETE" })
    }
  }),
  ...group("authorize", {
    place: "bare",
    good: changed({ "as it should be": {} }),
    odd: changed({ "openid": { scope: "openid notes:read" }, "openid alone": ofOpenId, "max_age": { max_age: "10" } })
  })
]
