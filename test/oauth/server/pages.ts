/** All pages there are, told one text wherever somebody else chooses it. */
import type * as Pages from "fastmcp-effect/oauth/server/Pages"

export const pages = (service: Pages.Pages["Service"], text: string) => {
  const form = { action: "/here", csrf: "c5rf" }
  const consent: Pages.Consent = {
    ...form,
    client: text,
    clientId: text,
    origin: "registered",
    clientUri: text,
    redirectHost: text,
    isLoopback: false,
    resource: text,
    scopes: [{ name: text, description: text }, { name: text, description: undefined }],
    user: text
  }
  return {
    login: service.login({ ...form, client: text, username: text, problem: undefined }),
    wrongLogin: service.login({ ...form, client: text, username: text, problem: text }),
    consent: service.consent(consent),
    localConsent: service.consent({ ...consent, isLoopback: true }),
    deviceCode: service.deviceCode({ ...form, userCode: text, problem: text }),
    logout: service.logout({ ...form, client: text }),
    leaving: service.leaving({ uri: "https://notes.acme.example/", place: text, message: undefined }),
    offer: service.leaving({ uri: "https://notes.acme.example/", place: text, message: { title: text, text } }),
    message: service.message({ title: text, text })
  }
}

/** Names as nobody should give them to a client. */
export const hostile: ReadonlyArray<string> = [
  "<script>alert(1)</script>",
  "</title></style></bdi><img src=x onerror=alert(1)>",
  "\" onfocus=\"alert(1)\" autofocus x=\"",
  "' onfocus='alert(1)",
  "` onmouseover=alert(1) `",
  "&lt;script&gt;&#60;&amp",
  "javascript:alert(1)",
  "Acme\u202egpj.exe\u202c",
  "\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u202a\u202b",
  "\u0000\u0001\u0007\u001b[2J\u007f\u0085\u009b",
  "Acme\u200b\u2060\ufeff\u00ad\u180e\u3164\u{e0041}Notes",
  `Z${"\u0300\u0489".repeat(50)}algo`,
  "\ud800 alone",
  "line one\r\nline two\u2028three\u2029four",
  "עברית عربي",
  "W".repeat(5000),
  "$& $` $' $1"
]
