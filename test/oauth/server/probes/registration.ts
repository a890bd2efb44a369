import { group, json, type Make, type Probe } from "./probe.ts"

const client = {
  client_name: "made just now",
  redirect_uris: ["http://127.0.0.1:4711/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none"
}

const registering = (changes: Readonly<Record<string, unknown>>): Make => (world) =>
  json(world.at("registration"), { ...client, ...changes })

const sending =
  (body: string, headers: Readonly<Record<string, string>> = { "content-type": "application/json" }): Make =>
  (
    world
  ) => ({ url: world.at("registration"), method: "POST", headers, body })

const to = (...redirect_uris: ReadonlyArray<unknown>): Make => registering({ redirect_uris })

export const registration: ReadonlyArray<Probe> = [
  ...group("registration", {
    good: {
      "a public client": registering({}),
      "a client with a secret": registering({ token_endpoint_auth_method: "client_secret_basic" }),
      "a client on the web": to("https://app.example/callback"),
      "an app with a scheme of its own": to("com.example.app:/callback"),
      "unknown metadata": registering({ unknown: true })
    },
    odd: {
      "a redirect that runs": to("javascript:alert(1)"),
      "a redirect that runs, in capitals": to("JavaScript:alert(1)"),
      "a redirect that runs, after a tab": to("java\tscript:alert(1)"),
      "a redirect that is data": to("data:text/html,hello"),
      "a redirect to a file": to("file:///etc/passwd"),
      "a redirect of vbscript": to("vbscript:msgbox"),
      "a redirect to http": to("http://app.example/callback"),
      "a redirect to localhost": to("http://localhost:4711/callback"),
      "a redirect to a host that starts like localhost": to("http://localhost.evil.example/callback"),
      "a redirect to a host that starts like the loopback": to("http://127.0.0.1.evil.example/callback"),
      "a redirect to https on the loopback": to("https://127.0.0.1/callback"),
      "a redirect inside the network": to("http://10.0.0.1/callback"),
      "a redirect with a fragment": to("https://app.example/callback#x"),
      "a redirect with an empty fragment": to("https://app.example/callback#"),
      "a redirect with a user": to("https://anna@app.example/callback"),
      "a redirect with a wildcard": to("https://*.app.example/callback"),
      "a redirect with a scheme without dots": to("app:/callback"),
      "a relative redirect": to("/callback"),
      "an empty redirect": to(""),
      "a redirect that is a number": to(1),
      "a good and a bad redirect": to("https://app.example/callback", "javascript:alert(1)"),
      "one redirect twice": to("https://app.example/callback", "https://app.example/callback"),
      "a thousand redirects": to(...Array.from({ length: 1000 }, (_, i) => `https://app.example/${i}`)),
      "no redirects": registering({ redirect_uris: undefined }),
      "an empty list of redirects": registering({ redirect_uris: [] }),
      "redirects that are no list": registering({ redirect_uris: "https://app.example/callback" }),
      "no grants and no redirects": registering({
        redirect_uris: undefined,
        grant_types: undefined,
        response_types: undefined
      }),
      "client credentials of a public client": registering({
        redirect_uris: undefined,
        response_types: [],
        grant_types: ["client_credentials"]
      }),
      "client credentials": registering({
        redirect_uris: undefined,
        response_types: [],
        grant_types: ["client_credentials"],
        token_endpoint_auth_method: "client_secret_basic"
      }),
      "grant implicit": registering({ grant_types: ["implicit"], response_types: ["token"] }),
      "grant password": registering({ grant_types: ["password"] }),
      "an unknown grant": registering({ grant_types: ["authorization_code", "unknown"] }),
      "refresh alone": registering({ grant_types: ["refresh_token"], response_types: [] }),
      "response type token": registering({ response_types: ["token"] }),
      "response type code without its grant": registering({ grant_types: ["client_credentials"] }),
      "no auth method": registering({ token_endpoint_auth_method: undefined }),
      "an unknown auth method": registering({ token_endpoint_auth_method: "unknown" }),
      "auth method client_secret_jwt": registering({ token_endpoint_auth_method: "client_secret_jwt" }),
      "auth method tls_client_auth": registering({ token_endpoint_auth_method: "tls_client_auth" }),
      "auth method private_key_jwt without keys": registering({ token_endpoint_auth_method: "private_key_jwt" }),
      "auth method private_key_jwt": (world) =>
        json(world.at("registration"), {
          ...client,
          token_endpoint_auth_method: "private_key_jwt",
          jwks: { keys: [{ ...world.keys.jwk, alg: "ES256", use: "sig" }] }
        }),
      "a private key among the keys": (world) =>
        json(world.at("registration"), {
          ...client,
          token_endpoint_auth_method: "private_key_jwt",
          jwks: { keys: [{ ...world.keys.privateJwk, alg: "ES256", use: "sig" }] }
        }),
      "a secret among the keys": registering({
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] }
      }),
      "keys that are none": registering({ token_endpoint_auth_method: "private_key_jwt", jwks: "junk" }),
      "keys here and there": registering({ jwks: { keys: [] }, jwks_uri: "https://app.example/jwks" }),
      "keys inside the network": registering({
        token_endpoint_auth_method: "private_key_jwt",
        jwks_uri: "http://169.254.169.254/latest"
      }),
      "a client_id of its own": registering({ client_id: "desktop" }),
      "a client_secret of its own": registering({
        client_secret: "x",
        token_endpoint_auth_method: "client_secret_basic"
      }),
      "an unknown scope": registering({ scope: "unknown" }),
      "a known scope": registering({ scope: "notes:read" }),
      "a scope that is a list": registering({ scope: ["notes:read"] }),
      "a name that is HTML": registering({ client_name: "<script>alert(1)</script>" }),
      "a name that is a number": registering({ client_name: 1 }),
      "a name of 10 KB": registering({ client_name: "n".repeat(10_000) }),
      "a logo that runs": registering({ logo_uri: "javascript:alert(1)" }),
      "a page that runs": registering({ client_uri: "javascript:alert(1)" }),
      "a contact that is none": registering({ contacts: ["junk"] }),
      "an application_type of web on the loopback": registering({ application_type: "web" }),
      "an unknown application_type": registering({ application_type: "unknown" }),
      "an id_token that nobody signs": registering({ id_token_signed_response_alg: "none" }),
      "an id_token signed with a secret": registering({ id_token_signed_response_alg: "HS256" }),
      "a software statement": registering({ software_statement: "junk" }),
      "a null": registering({ client_name: null }),
      "members of an object's own": sending(`{"__proto__":{"a":1},"redirect_uris":["https://app.example/callback"]}`),
      "an empty body": sending(""),
      "no JSON": sending("junk"),
      "a list": sending("[]"),
      "nothing": sending("null"),
      "an empty object": sending("{}"),
      "a form": sending("redirect_uris=x", { "content-type": "application/x-www-form-urlencoded" }),
      "JSON that says nothing": sending(JSON.stringify(client), {}),
      "100 KB": registering({ unknown: "x".repeat(100_000) }),
      "GET": (world) => ({ url: world.at("registration") })
    }
  }),
  ...group("registration", { place: "bare", odd: { "where it is off": registering({}) } })
]
