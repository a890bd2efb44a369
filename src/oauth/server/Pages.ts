/**
 * What people see of an authorization server: each page a function from what it says to HTML. `layer` has pages that
 * need no script, load nothing from anywhere, and work on a telephone; another layer gives them another face. Headers,
 * cookies and checks are not theirs, so a page can be changed without a hole being made.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as Client from "./Client.ts"
import { type Html, html, shorten } from "./internal/html.ts"
import * as look from "./internal/style.ts"

/** What all pages with a form have. @category models @since 0.1.0 */
export interface Form {
  /** Where it is posted to. */
  readonly action: string
  /** Goes with it in a hidden field `csrf`. */
  readonly csrf: string
}

/** Posts `username` and `password`. @category models @since 0.1.0 */
export interface Login extends Form {
  readonly client: string
  readonly username: string
  /** What was wrong the last time. */
  readonly problem: string | undefined
}

/** Posts `decision`: `allow` or `deny`. @category models @since 0.1.0 */
export interface Consent extends Form {
  /** Its name, as it gives it. */
  readonly client: string
  readonly clientId: string
  /** Whether somebody has looked at the client, or it is only known by what it says of itself. */
  readonly origin: Client.Client["origin"]
  /** Its page, if it has one: whatever it has said that is. */
  readonly clientUri: string | undefined
  /** Where the user is sent: a host, or the scheme of a program's own, with its colon: `com.acme.notes:`. */
  readonly redirectHost: string
  /** Whether that is a program on the user's machine, which any program there may claim to be. */
  readonly isLoopback: boolean
  readonly resource: string
  readonly scopes: ReadonlyArray<{ readonly name: string; readonly description: string | undefined }>
  /** Undefined where they log in afterwards. */
  readonly user: string | undefined
}

/** Posts `user_code`. @category models @since 0.1.0 */
export interface DeviceCode extends Form {
  /** What is in the address; still to be confirmed by the user. */
  readonly userCode: string
  readonly problem: string | undefined
}

/** Posts `decision`: `logout` or `cancel`. @category models @since 0.1.0 */
export interface Logout extends Form {
  readonly client: string | undefined
}

/** The end of something, or an error that cannot be told to a client. @category models @since 0.1.0 */
export interface Message {
  readonly title: string
  readonly text: string
}

/**
 * Seen for a moment, or for longer where a program of the user's own opens. With a `message` nobody is sent on: the user
 * reads where it leads, and goes there or does not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Leaving {
  /** How it has ended, for a client that nobody vouches for. */
  readonly message: Message | undefined
  readonly uri: string
  /** As `redirectHost` of `Consent`. */
  readonly place: string
}

/** @category services @since 0.1.0 */
export class Pages extends Context.Service<Pages, {
  readonly login: (page: Login) => string
  readonly consent: (page: Consent) => string
  readonly deviceCode: (page: DeviceCode) => string
  readonly logout: (page: Logout) => string
  readonly leaving: (page: Leaving) => string
  readonly message: (page: Message) => string
  /** What is between `<style>` and `</style>` in all pages: a browser applies no other. */
  readonly style: string
}>()("fastmcp-effect/oauth/server/Pages") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** What the users call all this: of the company, or of the service. */
  readonly name?: string
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<Pages> =>
  Layer.succeed(Pages, {
    login: (page) => document(options, page.problem === undefined ? "Log in" : "Not logged in", login(page)),
    consent: (page) => document(options, "Allow access?", consent(page)),
    deviceCode: (page) => document(options, "Connect a device", deviceCode(page)),
    logout: (page) => document(options, "Log out?", logout(page)),
    leaving: (page) =>
      document(options, page.message === undefined ? "You can go on" : page.message.title, leaving(page)),
    message: (page) => document(options, page.title, html`<h1>${page.title}</h1>\n<p>${page.text}</p>`),
    style: look.style
  })

const document = ({ name }: Options, title: string, content: Html): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html`${title}${name === undefined ? undefined : ` – ${name}`}`.markup}</title>
<style>${look.style}</style>
</head>
<body>
${name === undefined ? "" : html`<header>${name}</header>\n`.markup}<main>
${content.markup}
</main>
</body>
</html>
`

const login = ({ client, problem, username, ...page }: Login): Html => {
  const state = problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="problem"`
  const focus = html` autofocus`
  return html`<h1>Log in</h1>
<p class="soft">to go on to <bdi>${shorten(client, longest)}</bdi></p>
${alert(problem)}
${
    form(
      page,
      html`<label for="username">Username</label>
<input id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" required${state}${
        username === "" ? focus : undefined
      }>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${state}${
        username === "" ? undefined : focus
      }>
<div class="buttons"><button class="main">Log in</button></div>`
    )
  }`
}

const consent = (page: Consent): Html => {
  const name = shorten(page.client, longest)
  return html`<h1>Allow access?</h1>
<div class="client">
<div class="mark" aria-hidden="true">${[...name.trim()][0]?.toUpperCase()}</div>
<div>
<p class="name"><bdi>${name}</bdi></p>
<p class="badge${page.origin === "configured" ? " good" : undefined}">${origins[page.origin]}</p>
</div>
</div>
<dl>
${fact(isProgram(page) ? "Sends you to a program on this device" : "Sends you to", place(page.redirectHost))}
${fact("Gets access to", page.resource)}
${page.user === undefined ? undefined : fact("As the user", page.user)}
</dl>
${warning(page)}
<h2>${page.scopes.length === 0 ? "It asks for nothing in particular." : "It could then"}</h2>
<ul class="scopes">
${page.scopes.map(scope)}
</ul>
<details>
<summary>More about who is asking</summary>
<dl>
${fact("Its id", page.clientId)}
${page.clientUri === undefined ? undefined : fact("Says that its page is", page.clientUri)}
</dl>
</details>
${
    form(
      page,
      // The first of them is what a form without another word posts.
      html`<div class="buttons">
<button name="decision" value="deny">Deny</button>
<button name="decision" value="allow" class="main">Allow</button>
</div>`
    )
  }`
}

const origins: { readonly [origin in Consent["origin"]]: string } = {
  configured: "Known to this service",
  registered: "Not verified: chose its own name",
  document: "Not verified: describes itself"
}

/** Both an address of this machine and a scheme are anybody's who takes them. */
const isProgram = ({ isLoopback, redirectHost }: Consent): boolean => isLoopback || redirectHost.endsWith(":")

const warning = (page: Consent): Html | undefined =>
  isProgram(page)
    ? html`<p class="note"><strong>Any program on this device could be asking.</strong> Allow it only if you have just
started this yourself, in a program that you trust.</p>`
    : page.origin === "configured"
    ? undefined
    : html`<p class="note"><strong>Go by the address and not by the name,</strong> which anybody can choose. If you do not
know where it sends you, deny.</p>`

/** Wrapped between the labels of a domain, so that what is read as one is one. */
const place = (host: string): Html =>
  html`${host.replace(/:$/u, "").split(".").map((label, index) => index === 0 ? html`${label}` : html`.<wbr>${label}`)}`

const scope = ({ description, name }: Consent["scopes"][number]): Html =>
  description === undefined
    ? html`<li><code>${name}</code></li>`
    : html`<li>${description} <span><code>${name}</code></span></li>`

const deviceCode = ({ problem, userCode, ...page }: DeviceCode): Html =>
  html`<h1>Connect a device</h1>
<p class="soft">${
    userCode === ""
      ? "Enter the code that your device shows."
      : "Go on only if this is the code that your device shows."
  }</p>
${alert(problem)}
<p class="note"><strong>Has somebody sent you this code?</strong> Then close this page: the device would be theirs.</p>
${
    form(
      page,
      html`<label for="user_code">Code</label>
<input id="user_code" name="user_code" value="${userCode}" class="code" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" required${
        problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="problem"`
      }${userCode === "" ? html` autofocus` : undefined}>
<div class="buttons"><button class="main">Go on</button></div>`
    )
  }`

const logout = ({ client, ...page }: Logout): Html =>
  html`<h1>Log out?</h1>
<p class="soft">${
    client === undefined ? "You are logged in here." : html`<bdi>${shorten(client, longest)}</bdi> asks for it.`
  }</p>
${
    form(
      page,
      html`<div class="buttons">
<button name="decision" value="cancel">Stay logged in</button>
<button name="decision" value="logout" class="main">Log out</button>
</div>`
    )
  }`

const leaving = ({ message, place: to, uri }: Leaving): Html =>
  message !== undefined
    ? html`<h1>${message.title}</h1>
<p>${message.text}</p>
<p class="note"><strong>Nobody has verified who has sent you here.</strong> Go back only if you know
<bdi>${place(to)}</bdi>, where that leads.</p>
<div class="buttons"><a href="${uri}">Go back</a></div>`
    : html`<h1>You can go on</h1>
<p class="soft">You are being sent to ${to.endsWith(":") ? "the program " : undefined}<bdi>${
      place(to)
    }</bdi>. Once it opens, you can close this page.</p>
<div class="buttons"><a class="main" href="${uri}">Go on if nothing happens</a></div>`

const form = ({ action, csrf }: Form, content: Html): Html =>
  html`<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
${content}
</form>`

const alert = (problem: string | undefined): Html | undefined =>
  problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`

const fact = (what: string, value: string | Html): Html => html`<div><dt>${what}</dt><dd><bdi>${value}</bdi></dd></div>`

/** Characters of a name that a client has given itself. */
const longest = 100
