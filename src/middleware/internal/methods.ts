/** What the server answers by itself: no code of the author's runs. */
export const isProtocol = (method: string): boolean => protocolMethods.has(method)

const protocolMethods: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "logging/setLevel",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/subscribe",
  "resources/unsubscribe",
  "subscriptions/listen"
])
