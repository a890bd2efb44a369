/** Devices, and the browsers of their users. */
import * as Effect from "effect/Effect"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import type * as world from "./world.ts"

export const grantType = "urn:ietf:params:oauth:grant-type:device_code"

export const tv: Client.Options = { id: "tv", name: "TV", grantTypes: [grantType, "refresh_token"] }

export const begin = ({ send }: world.Caller, own: Readonly<Record<string, string>> = {}) =>
  send("/device_authorization", { form: { client_id: "tv", scope: "notes:read", ...own } })

export const asking = (code: string, own: Readonly<Record<string, string>> = {}) => ({
  form: { grant_type: grantType, client_id: "tv", device_code: code, ...own }
})

/** What is in the form of a page. */
export const formOf = ({ text }: world.Answer) => ({
  action: /<form method="post" action="([^"]+)"/u.exec(text)![1]!,
  csrf: /name="csrf" value="([^"]+)"/u.exec(text)![1]!
})

/** Looks at the page, and types this. */
export const type = (browser: world.Caller, userCode: string) =>
  Effect.gen(function*() {
    const { action, csrf } = formOf(yield* browser.send("/device"))
    return yield* browser.send(action, { form: { csrf, user_code: userCode } })
  })

export const decide = (browser: world.Caller, page: world.Answer, decision: "allow" | "deny") => {
  const { action, csrf } = formOf(page)
  return browser.send(action, { form: { csrf, decision } })
}
