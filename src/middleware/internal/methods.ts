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

/** What looks after a task: no code of the author's runs, and `tasks/result` waits for a run that needs its own place. */
export const isOfTask = (method: string): boolean => taskMethods.has(method)

const taskMethods: ReadonlySet<string> = new Set([
  "tasks/get",
  "tasks/result",
  "tasks/update",
  "tasks/cancel",
  "tasks/list"
])
