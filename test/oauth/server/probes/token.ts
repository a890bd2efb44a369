/** At the token endpoint: what is sent, the code grant, refresh and the grants without a person. */
import { type Ask, basic, type Changes, encoded, group, json, type Make, post, type Probe } from "./probe.ts"
import {
  appCallback,
  clients,
  clientToken,
  code,
  deviceGrant,
  from,
  mail,
  type Name,
  notes,
  sent,
  siteCallback,
  tokens,
  type World
} from "./world.ts"

const codeOf = (changes: Changes, name: Name = "desktop", authorized: Changes = {}): Make => async (world) =>
  from(world, name, "token", { ...await code(world, name, authorized), ...changes })

const refreshOf = (changes: Changes, name: Name = "desktop"): Make => async (world) => {
  const { refresh_token } = await tokens(world, name)
  return from(world, name, "token", { grant_type: "refresh_token", refresh_token, ...changes })
}

const clientCredentials = (changes: Changes, name: Name = "nightly"): Make => (world) =>
  from(world, name, "token", { grant_type: "client_credentials", scope: "notes:read", resource: notes, ...changes })

/** As good as it gets, and then another message. */
const sentAs = (as: (ask: Ask) => Partial<Ask>): Make => async (world) => {
  const ask = from(world, "desktop", "token", await code(world))
  return { ...ask, ...as(ask) }
}

const message: Record<string, Make> = {
  "GET": sentAs(({ body, url }) => ({ method: "GET", url: `${url}?${body}`, headers: {}, body: undefined as never })),
  "PUT": sentAs(() => ({ method: "PUT" })),
  "HEAD": (world) => ({ url: world.at("token"), method: "HEAD" }),
  "parameters in the URL": sentAs(({ body, url }) => ({ url: `${url}?${body}`, body: "" })),
  "JSON": async (world) => json(world.at("token"), { ...await code(world), client_id: "desktop" }),
  "a form that says it is JSON": sentAs(() => ({ headers: { "content-type": "application/json" } })),
  "a form that says it is text": sentAs(() => ({ headers: { "content-type": "text/plain" } })),
  "a form that says nothing": sentAs(() => ({ headers: {} })),
  "a form in parts": sentAs(() => ({
    headers: { "content-type": "multipart/form-data; boundary=x" },
    body: "--x\r\ncontent-disposition: form-data; name=\"grant_type\"\r\n\r\nauthorization_code\r\n--x--\r\n"
  })),
  "a form with its charset": sentAs(() => ({
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }
  })),
  "an empty body": sentAs(() => ({ body: "" })),
  "a body of 100 KB": sentAs(({ body }) => ({ body: `${body}&unknown=${"x".repeat(100_000)}` })),
  "a thousand parameters": sentAs(({ body }) => ({
    body: `${body}&${Array.from({ length: 1000 }, (_, i) => `p${i}=1`).join("&")}`
  })),
  "percent signs that encode nothing": sentAs(({ body }) => ({ body: `${body}&unknown=%zz%` })),
  "an unknown parameter twice": sentAs(({ body }) => ({ body: `${body}&unknown=1&unknown=2` }))
}

const grantTypes: Record<string, Make> = {
  "no grant_type": codeOf({ grant_type: undefined }),
  "an empty grant_type": codeOf({ grant_type: "" }),
  "grant_type twice": codeOf({ grant_type: ["authorization_code", "authorization_code"] }),
  "an unknown grant_type": codeOf({ grant_type: "unknown" }),
  "grant_type in capitals": codeOf({ grant_type: "AUTHORIZATION_CODE" }),
  "grant_type of an object's member": codeOf({ grant_type: "constructor" }),
  "grant_type implicit": codeOf({ grant_type: "implicit" }),
  "grant_type password": codeOf({ grant_type: "password", username: "anna", password: "correct horse" }),
  "grant_type token-exchange": codeOf({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: "x",
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token"
  }),
  "grant_type jwt-bearer": codeOf({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: "x" }),
  "grant_type of CIBA": codeOf({ grant_type: "urn:openid:params:grant-type:ciba", auth_req_id: "x" }),
  "a grant that the client did not register": clientCredentials({}, "website")
}

const codes = {
  good: {
    "a code of a public client": codeOf({}),
    "a code of a client with a secret": codeOf({}, "website"),
    "a code at another port of a loopback": codeOf(
      { redirect_uri: "http://127.0.0.1:61234/callback" },
      "desktop",
      { redirect_uri: "http://127.0.0.1:61234/callback" }
    ),
    "a code for the resource that was asked for": codeOf({ resource: notes })
  },
  odd: {
    "no code": codeOf({ code: undefined }),
    "an empty code": codeOf({ code: "" }),
    "an unknown code": codeOf({ code: "never-given-out" }),
    "a code of an object's member": codeOf({ code: "__proto__" }),
    "a code of 10 KB": codeOf({ code: "c".repeat(10_000) }),
    "a code with a character more": async (world) => {
      const parameters = await code(world)
      return from(world, "desktop", "token", { ...parameters, code: `${parameters.code}x` })
    },
    "code twice": async (world) => {
      const parameters = await code(world)
      return from(world, "desktop", "token", { ...parameters, code: [parameters.code!, parameters.code!].flat() })
    },
    "a code of another client": async (world) => from(world, "tablet", "token", await code(world)),
    "a code of another client, with a secret": async (world) => from(world, "website", "token", await code(world)),
    "a code again": async (world) => {
      const ask = from(world, "desktop", "token", await code(world))
      await sent(ask)
      return ask
    },
    "a refresh token of a code that came again": async (world) => {
      const ask = from(world, "desktop", "token", await code(world))
      const { refresh_token } = await (await sent(ask)).json() as any
      await sent(ask)
      return from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token })
    },
    "a code after a wrong verifier": async (world) => {
      const parameters = await code(world)
      await sent(from(world, "desktop", "token", { ...parameters, code_verifier: "w".repeat(43) }))
      return from(world, "desktop", "token", parameters)
    },
    "a code after another client tried it": async (world) => {
      const parameters = await code(world)
      await sent(from(world, "tablet", "token", parameters))
      return from(world, "desktop", "token", parameters)
    },
    "a code after a client without its secret tried it": async (world) => {
      const parameters = await code(world, "website")
      await sent(post(world.at("token"), { ...parameters, client_id: "website" }))
      return from(world, "website", "token", parameters)
    },
    "no redirect_uri": codeOf({ redirect_uri: undefined }),
    "no redirect_uri where one is registered": codeOf({ redirect_uri: undefined }, "website"),
    "an empty redirect_uri": codeOf({ redirect_uri: "" }),
    "another redirect_uri of the client": codeOf({ redirect_uri: appCallback }),
    "another port of the loopback than at authorize": codeOf({ redirect_uri: "http://127.0.0.1:61234/callback" }),
    "a foreign redirect_uri": codeOf({ redirect_uri: siteCallback }),
    "redirect_uri with a trailing slash": codeOf({ redirect_uri: "http://127.0.0.1:4711/callback/" }),
    "redirect_uri twice": codeOf({ redirect_uri: [appCallback, appCallback] }),
    "no code_verifier": codeOf({ code_verifier: undefined }),
    "no code_verifier of a client with a secret": codeOf({ code_verifier: undefined }, "website"),
    "an empty code_verifier": codeOf({ code_verifier: "" }),
    "a wrong code_verifier": codeOf({ code_verifier: "w".repeat(43) }),
    "a code_verifier of 42 characters": codeOf({ code_verifier: "w".repeat(42) }),
    "a code_verifier of 129 characters": codeOf({ code_verifier: "w".repeat(129) }),
    "a code_verifier of 10 KB": codeOf({ code_verifier: "w".repeat(10_000) }),
    "a code_verifier with a space": codeOf({ code_verifier: `${"w".repeat(43)} ` }),
    "a code_verifier with an umlaut": codeOf({ code_verifier: "ü".repeat(43) }),
    "code_verifier twice": codeOf({ code_verifier: ["w".repeat(43), "w".repeat(43)] }),
    "the challenge for the code_verifier": async (world) =>
      from(world, "desktop", "token", { ...await code(world), code_verifier: world.challenge }),
    "a known resource that was not asked for": codeOf({ resource: mail }),
    "an unknown resource": codeOf({ resource: "https://unknown.example/mcp" }),
    "a resource with a fragment": codeOf({ resource: `${notes}#x` }),
    "an empty resource": codeOf({ resource: "" }),
    "two resources": codeOf({ resource: [notes, mail] }),
    "one of two resources that were asked for": codeOf({ resource: mail }, "desktop", {
      resource: [notes, mail],
      scope: "notes:read mail:read"
    }),
    "none of two resources that were asked for": codeOf({}, "desktop", {
      resource: [notes, mail],
      scope: "notes:read mail:read"
    }),
    "a scope": codeOf({ scope: "notes:read mail:read" })
  }
} satisfies Record<string, Record<string, Make>>

const refreshes = {
  good: {
    "a refresh of a public client": refreshOf({}),
    "a refresh of a client with a secret": refreshOf({}, "website"),
    "a refresh of fewer scopes": refreshOf({ scope: "notes:read" }),
    "a refresh for the same resource": refreshOf({ resource: notes })
  },
  odd: {
    "no refresh_token": refreshOf({ refresh_token: undefined }),
    "an empty refresh_token": refreshOf({ refresh_token: "" }),
    "an unknown refresh_token": refreshOf({ refresh_token: "never-given-out" }),
    "refresh_token twice": refreshOf({ refresh_token: ["a", "b"] }),
    "a refresh_token of another client": async (world) =>
      from(world, "tablet", "token", {
        grant_type: "refresh_token",
        refresh_token: (await tokens(world)).refresh_token
      }),
    "a refresh_token after another client tried it": async (world) => {
      const parameters = { grant_type: "refresh_token", refresh_token: (await tokens(world)).refresh_token }
      await sent(from(world, "tablet", "token", parameters))
      return from(world, "desktop", "token", parameters)
    },
    "a refresh_token of a client that does not prove itself": async (world) =>
      post(world.at("token"), {
        grant_type: "refresh_token",
        refresh_token: (await tokens(world, "website")).refresh_token,
        client_id: "website"
      }),
    "a refresh_token without any client": async (world) =>
      post(world.at("token"), {
        grant_type: "refresh_token",
        refresh_token: (await tokens(world)).refresh_token
      }),
    "a refresh_token again": async (world) => {
      const ask = await refreshOf({})(world)
      await sent(ask)
      return ask
    },
    "a refresh_token again, of a client with a secret": async (world) => {
      const ask = await refreshOf({}, "website")(world)
      await sent(ask)
      return ask
    },
    "the next refresh_token after one came again": async (world) => {
      const ask = await refreshOf({})(world)
      const { refresh_token } = await (await sent(ask)).json() as any
      await sent(ask)
      return from(world, "desktop", "token", { grant_type: "refresh_token", refresh_token })
    },
    "a refresh_token after it was revoked": async (world) => {
      const ask = await refreshOf({})(world)
      const refresh_token = new URLSearchParams(ask.body).get("refresh_token")!
      await sent(from(world, "desktop", "revocation", { token: refresh_token }))
      return ask
    },
    "a refresh of more scopes": async (world) => {
      const { refresh_token } = await tokens(world, "desktop", { scope: "notes:read" })
      return from(world, "desktop", "token", {
        grant_type: "refresh_token",
        refresh_token,
        scope: "notes:read notes:write"
      })
    },
    "a refresh of the first scopes after one of fewer": async (world) => {
      const ask = await refreshOf({ scope: "notes:read" })(world)
      const { refresh_token } = await (await sent(ask)).json() as any
      return from(world, "desktop", "token", {
        grant_type: "refresh_token",
        refresh_token,
        scope: "notes:read notes:write"
      })
    },
    "a refresh of an unknown scope": refreshOf({ scope: "unknown" }),
    "a refresh of an empty scope": refreshOf({ scope: "" }),
    "a refresh of openid that was not asked for": refreshOf({ scope: "openid notes:read" }),
    "a refresh for a known resource that was not asked for": refreshOf({ resource: mail }),
    "a refresh for an unknown resource": refreshOf({ resource: "https://unknown.example/mcp" }),
    "an access token as a refresh_token": async (world) =>
      from(world, "desktop", "token", {
        grant_type: "refresh_token",
        refresh_token: (await tokens(world)).access_token
      }),
    "a code as a refresh_token": async (world) =>
      from(world, "desktop", "token", {
        grant_type: "refresh_token",
        refresh_token: (await code(world)).code
      }),
    "a refresh_token as a code": async (world) =>
      from(world, "desktop", "token", { ...await code(world), code: (await tokens(world)).refresh_token })
  }
} satisfies Record<string, Record<string, Make>>

const withoutPerson = {
  good: {
    "client credentials": clientCredentials({}),
    "client credentials without a resource": clientCredentials({ resource: undefined })
  },
  odd: {
    "client credentials of a public client": clientCredentials({}, "desktop"),
    "client credentials without a scope": clientCredentials({ scope: undefined }),
    "client credentials of an empty scope": clientCredentials({ scope: "" }),
    "client credentials of an unknown scope": clientCredentials({ scope: "unknown" }),
    "client credentials of a scope of another resource": clientCredentials({ scope: "mail:read" }),
    "client credentials of openid": clientCredentials({ scope: "openid" }),
    "client credentials of offline_access": clientCredentials({ scope: "notes:read offline_access" }),
    "client credentials of a scope with a quote": clientCredentials({ scope: "\"" }),
    "client credentials for an unknown resource": clientCredentials({ resource: "https://unknown.example/mcp" }),
    "client credentials for a resource with a fragment": clientCredentials({ resource: `${notes}#x` }),
    "client credentials for two resources": clientCredentials({ resource: [notes, mail] }),
    "a client's own token as a code": async (world) =>
      from(world, "desktop", "token", { ...await code(world), code: await clientToken(world) })
  }
} satisfies Record<string, Record<string, Make>>

const device = async (world: World, name: Name = "desktop"): Promise<any> =>
  (await sent(from(world, name, "device_authorization", { scope: "notes:read", resource: notes }))).json()

const deviceOf = (changes: Changes, name: Name = "desktop"): Make => async (world) =>
  from(world, name, "token", { grant_type: deviceGrant, device_code: (await device(world)).device_code, ...changes })

const devices = {
  good: {
    "a device_code that somebody said yes to": async (world) => {
      const { device_code, verification_uri_complete } = await device(world)
      await world.somebody().visit(verification_uri_complete)
      return deviceOf({ device_code })(world)
    }
  },
  odd: {
    "a device_code that nobody answered": deviceOf({}),
    "a device_code at once again": async (world) => {
      const ask = await deviceOf({})(world)
      await sent(ask)
      return ask
    },
    "a device_code that somebody said no to": async (world) => {
      const { device_code, verification_uri_complete } = await device(world)
      await world.somebody().refuse(verification_uri_complete)
      return deviceOf({ device_code })(world)
    },
    "a device_code that was used": async (world) => {
      const { device_code, verification_uri_complete } = await device(world)
      await world.somebody().visit(verification_uri_complete)
      const ask = await deviceOf({ device_code })(world)
      await sent(ask)
      return ask
    },
    "no device_code": deviceOf({ device_code: undefined }),
    "an unknown device_code": deviceOf({ device_code: "never-given-out" }),
    "device_code twice": deviceOf({ device_code: ["a", "b"] }),
    "the user's code for the device's": async (world) =>
      deviceOf({ device_code: (await device(world)).user_code })(world),
    "a device_code of another client": deviceOf({}, "tablet"),
    "a device_code of a client without the grant": deviceOf({}, "website")
  }
} satisfies Record<string, Record<string, Make>>

const secret = clients.website.client_secret

const asWebsite = (changes: Changes, headers: Record<string, string | ReadonlyArray<string>>): Make => async (world) =>
  post(world.at("token"), { ...await code(world, "website"), ...changes }, headers)

const asPoster = (changes: Changes, headers: Record<string, string> = {}): Make => async (world) =>
  post(world.at("token"), { ...await code(world, "poster"), ...changes }, headers)

const raw = (text: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(text).toString("base64")}`
})

const right = basic("website", secret)

const authentication = {
  good: {
    "a secret in a header": asWebsite({}, right),
    "a secret in the body": asPoster({ client_id: "poster", client_secret: clients.poster.client_secret }),
    "a secret in a header, and the same client_id": asWebsite({ client_id: "website" }, right)
  },
  odd: {
    "no client": asWebsite({}, {}),
    "a public client without its client_id": codeOf({ client_id: undefined }),
    "a public client with a secret": codeOf({ client_secret: "x" }),
    "a public client with an empty secret": codeOf({ client_secret: "" }),
    "a public client in a header": async (world) => post(world.at("token"), await code(world), raw("desktop:")),
    "an unknown client_id": codeOf({ client_id: "nobody" }),
    "an empty client_id": codeOf({ client_id: "" }),
    "client_id twice": codeOf({ client_id: ["desktop", "desktop"] }),
    "a client with a secret without it": asWebsite({ client_id: "website" }, {}),
    "a wrong secret in a header": asWebsite({}, basic("website", "wrong")),
    "an empty secret in a header": asWebsite({}, basic("website", "")),
    "an unknown client in a header": asWebsite({}, basic("nobody", "wrong")),
    "an empty client in a header": asWebsite({}, basic("", secret)),
    "a wrong secret in the body": asPoster({ client_id: "poster", client_secret: "wrong" }),
    "an empty secret in the body": asPoster({ client_id: "poster", client_secret: "" }),
    "no secret in the body": asPoster({ client_id: "poster" }),
    "client_secret twice": asPoster({ client_id: "poster", client_secret: [clients.poster.client_secret, "wrong"] }),
    "a secret in the URL": async (world) => ({
      ...post(world.at("token"), await code(world, "poster")),
      url: `${world.at("token")}?${encoded({ client_id: "poster", client_secret: clients.poster.client_secret })}`
    }),
    "a secret in both": asWebsite({ client_id: "website", client_secret: secret }, right),
    "a secret in a header, and an empty one in the body": asWebsite({ client_secret: "" }, right),
    "a secret in a header, and another client_id": asWebsite({ client_id: "desktop" }, right),
    "a secret in the body instead of a header": asWebsite({ client_id: "website", client_secret: secret }, {}),
    "a secret in a header instead of the body": asPoster(
      {},
      basic("poster", clients.poster.client_secret) as Record<string, string>
    ),
    "a secret of another client": asWebsite({}, basic("website", clients.nightly.client_secret)),
    "a secret that is not form-encoded": asWebsite({}, raw(`website:${secret}`)),
    "a header with a percent sign that encodes nothing": asWebsite({}, raw("website:%zz")),
    "a header that is not base64": asWebsite({}, { authorization: "Basic %%%" }),
    "a header of base64 for URLs": asWebsite({}, { authorization: "Basic _-_-" }),
    "a header without a colon": asWebsite({}, raw("website")),
    "a header with nothing in it": asWebsite({}, { authorization: "Basic" }),
    "a header with its scheme in small letters": asWebsite({}, {
      authorization: String(right.authorization).replace("Basic", "basic")
    }),
    "a header with another scheme": asWebsite({}, { authorization: "Bearer x" }),
    "two headers": asWebsite({}, { authorization: [String(right.authorization), String(right.authorization)] }),
    "a header of bytes that are no UTF-8": asWebsite({}, {
      authorization: `Basic ${Buffer.from([0x77, 0x3a, 0xff, 0xfe]).toString("base64")}`
    })
  }
} satisfies Record<string, Record<string, Make>>

const deviceAsks = (changes: Changes, name: Name = "desktop"): Make => (world) =>
  from(world, name, "device_authorization", { scope: "notes:read", resource: notes, ...changes })

export const token: ReadonlyArray<Probe> = [
  ...group("token", {
    good: {
      ...codes.good,
      ...refreshes.good,
      ...withoutPerson.good,
      ...devices.good,
      ...authentication.good
    },
    odd: {
      ...message,
      ...grantTypes,
      ...codes.odd,
      ...refreshes.odd,
      ...withoutPerson.odd,
      ...devices.odd,
      ...authentication.odd
    }
  }),
  ...group("device", {
    good: { "as it should be": deviceAsks({}), "without a resource": deviceAsks({ resource: undefined }) },
    odd: {
      "without a client": deviceAsks({ client_id: undefined }),
      "an unknown client": deviceAsks({ client_id: "nobody" }),
      "a client without the grant": deviceAsks({}, "website"),
      "a client without its secret": (world) => post(world.at("device_authorization"), { client_id: "website" }),
      "no scope": deviceAsks({ scope: undefined }),
      "an unknown scope": deviceAsks({ scope: "unknown" }),
      "an unknown resource": deviceAsks({ resource: "https://unknown.example/mcp" }),
      "a resource with a fragment": deviceAsks({ resource: `${notes}#x` }),
      "scope twice": deviceAsks({ scope: ["notes:read", "notes:write"] }),
      "JSON": (world) => json(world.at("device_authorization"), { client_id: "desktop", scope: "notes:read" }),
      "GET": (world) => ({ url: `${world.at("device_authorization")}?${encoded({ client_id: "desktop" })}` })
    }
  })
]
