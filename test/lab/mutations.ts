/** Mistakes that models must find: edits of `src`, each planted by itself in a copy of it (`npm run proof:planted`). */
export interface Mutation {
  readonly name: string
  /** From the package's root. */
  readonly file: string
  /** What stands there once, and what is put in its place. */
  readonly find: string
  readonly replace: string
  /** The model that finds it. */
  readonly model: string
  /** What it breaks; where a bug that was fixed comes back, the commit that fixed it. */
  readonly why: string
  /** A part of what the shrunk story says. */
  readonly says: string
}

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "an asking handler hears of the end before the cancel",
    file: "src/server/inFlight.ts",
    find: "      this.request.silence()\n",
    replace: "      this.request.end()\n",
    model: "requests",
    why: "A cancelled handler goes on as if it had been refused an answer; fixed in 0dc1a00.",
    says: "a handler that is cancelled does not go on without its answer"
  },
  {
    name: "a request that was taken back is answered",
    file: "src/server/inFlight.ts",
    find: "if (this.isDropped) this.request.exchange.drop()\n    else code",
    replace: "code",
    model: "requests",
    why: "Its client has forgotten the id and may use it again.",
    says: "what was taken back has no answer"
  }
]
