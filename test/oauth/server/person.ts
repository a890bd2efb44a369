/** A person with a browser: a cookie jar, redirects by hand, and forms that are filled in without knowing the page. */
import type { Person } from "./engine.ts"

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

interface Button {
  readonly name: string | undefined
  readonly value: string
  readonly says: string
}

interface Form {
  readonly action: string
  readonly method: string
  readonly inputs: ReadonlyArray<Readonly<Record<string, string>>>
  readonly buttons: ReadonlyArray<Button>
}

const no = /deny|cancel|abort|refuse|\bno\b/iu

const unescaped = (text: string): string =>
  text.replaceAll("&quot;", "\"").replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")

const attributes = (tag: string): Record<string, string> =>
  Object.fromEntries(
    [...tag.replace(/^<\w+/u, "").matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/gu)]
      .map(([, name, ...values]) => [name!.toLowerCase(), unescaped(values.find((value) => value !== undefined) ?? "")])
  )

/** Where a page leads on to by itself. */
const refreshOf = ({ headers }: Response): string | null =>
  /^0;url=(.*)$/u.exec(headers.get("refresh") ?? "")?.[1] ?? null

/** The first form of the page. A button may stand outside and name its form. */
const formOf = (page: string): Form | undefined => {
  const [, open, inside] = /(<form[^>]*>)(.*?)<\/form>/su.exec(page) ?? []
  if (open === undefined || inside === undefined) return undefined
  const form = attributes(open)
  const inputs = (inside.match(/<input[^>]*>/gu) ?? []).map(attributes)
  const buttons = [...page.matchAll(/(<button[^>]*>)(.*?)<\/button>/gsu)]
    .map(([whole, tag, text]) => ({ whole, text: text!, ...attributes(tag!) }) as Record<string, string>)
    .filter((button) => inside.includes(button.whole!) || (button.form !== undefined && button.form === form.id))
    .filter(({ type = "submit" }) => type === "submit")
    .map(({ name, text, value = "" }) => ({ name, value, says: `${value} ${text}` }))
  const submits = inputs.filter(({ type }) => type === "submit")
    .map(({ name, value = "" }) => ({ name, value, says: value }))
  return {
    action: form.action ?? "",
    method: (form.method ?? "get").toLowerCase(),
    inputs: inputs.filter(({ type }) => type !== "submit"),
    buttons: [...buttons, ...submits]
  }
}

const filled = (form: Form, button: Button | undefined, typed: Readonly<Record<string, string>>): URLSearchParams => {
  const fields = new URLSearchParams()
  for (const { name, type, value = type === "checkbox" ? "on" : "" } of form.inputs) {
    if (name !== undefined) fields.append(name, type === "hidden" ? value : typed[name] ?? value)
  }
  if (button?.name !== undefined) fields.append(button.name, button.value)
  return fields
}

/** Every other origin than `issuer` is a client's, and is told to the caller instead of visited. */
export const make = (issuer: string): Person => {
  const { origin } = new URL(issuer)
  let jar: ReadonlyArray<Cookie> = []

  const request = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { origin: to, pathname } = new URL(url)
    const headers = new Headers(init.headers)
    const cookies = to === origin ? jar.filter(({ path }) => pathname.startsWith(path)) : []
    if (cookies.length > 0) headers.set("cookie", cookies.map(({ name, value }) => `${name}=${value}`).join("; "))
    const response = await fetch(url, { ...init, headers, redirect: "manual" })
    for (const line of to === origin ? response.headers.getSetCookie() : []) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(line)!
      const path = /;\s*path=([^;]*)/iu.exec(line)?.[1] ?? "/"
      const expires = /;\s*expires=([^;]*)/iu.exec(line)?.[1]
      const gone = /;\s*max-age=(0|-\d+)/iu.test(line) || (expires !== undefined && Date.parse(expires) <= Date.now())
      jar = jar.filter((cookie) => cookie.name !== name || cookie.path !== path)
      if (!gone) jar = [...jar, { name: name!, value: value!, path }]
    }
    return response
  }

  const walk = async (start: string, agrees: boolean, typed: Readonly<Record<string, string>>): Promise<URL> => {
    let url = new URL(start)
    let init: RequestInit = {}
    let refused = false
    for (let step = 0; step < 30; step++) {
      if (url.origin !== origin) return url
      const response = await request(url, init)
      const refresh = refreshOf(response)
      const location = refresh ?? response.headers.get("location")
      if (location !== null) {
        if (refresh === undefined && ![302, 303].includes(response.status)) {
          throw new Error(`${url} redirects with ${response.status}`)
        }
        await response.body?.cancel()
        url = new URL(location, url)
        init = {}
        continue
      }
      const page = await response.text()
      if (refused) return url
      if (!response.ok) {
        throw new Error(`${url} is an error (${response.status}): ${page.replace(/<style.*?style>/su, "")}`)
      }
      const form = formOf(page)
      if (form === undefined) return url
      const refusal = form.buttons.find(({ says }) => no.test(says))
      refused = !agrees && refusal !== undefined && form.inputs.every(({ type }) => type !== "password")
      const fields = filled(form, refused ? refusal : form.buttons.find((button) => button !== refusal), typed)
      const from = response.headers.get("referrer-policy") === "no-referrer" ? "null" : url.origin
      url = new URL(form.action, url)
      if (form.method !== "post" || url.origin !== origin) {
        url.search = String(fields)
        init = {}
      } else init = { method: "POST", body: fields, headers: { origin: from } }
    }
    throw new Error(`${start} does not end`)
  }

  const look: Person["look"] = async (start) => {
    let url = new URL(start)
    let status = 0
    for (let step = 0; step < 30; step++) {
      if (url.origin !== origin) return { url, status }
      const response = await request(url)
      const location = refreshOf(response) ?? response.headers.get("location")
      const page = await response.text()
      status = response.status
      if (location === null) return { url, status, page }
      url = new URL(location, url)
    }
    throw new Error(`${start} does not end`)
  }

  const anna = { username: "anna", password: "correct horse" }
  return {
    visit: (url, typed) => walk(url, true, { ...anna, ...typed }),
    refuse: (url, typed) => walk(url, false, { ...anna, ...typed }),
    look,
    fetch: request
  }
}
