/** What the large loads are made of: the same for every server, and what their answers are checked against. All ASCII. */

export interface Listed {
  readonly name: string
  readonly description: string
}

const verbs = ["find", "count", "export", "archive", "restore", "share", "check", "merge", "label", "print"]
const states = ["draft", "open", "closed", "overdue", "recent", "shared", "blocked", "disputed", "pinned", "unread"]
const things = [
  "invoices",
  "orders",
  "customers",
  "shipments",
  "contracts",
  "tickets",
  "reports",
  "payments",
  "products",
  "suppliers"
]

/** A thousand tools; each takes an `account`, a string, and a `limit`, a number. */
export const tools: ReadonlyArray<Listed> = verbs.flatMap((verb) =>
  states.flatMap((state) =>
    things.map((thing) => ({
      name: `${verb}_${state}_${thing}`,
      description: `${verb[0]!.toUpperCase()}${verb.slice(1)}s the ${state} ${thing} of an account, newest first.`
    }))
  )
)

const record = (n: number) => ({
  sku: `SKU-${100_000 + n}`,
  title: `${states[n % 10]} ${things[(n * 7) % 10]}, batch ${n}`,
  price: ((n * 7_919) % 100_000) / 100,
  stock: (n * 31) % 500,
  available: n % 3 !== 0,
  tags: [verbs[n % 10]!, things[n % 10]!]
})

/** Just over 100 KB of JSON. */
export const records = ((): ReadonlyArray<ReturnType<typeof record>> => {
  const all: Array<ReturnType<typeof record>> = []
  for (let size = 0; size < 100_000; size += JSON.stringify(all.at(-1)).length + 1) all.push(record(all.length))
  return all
})()
