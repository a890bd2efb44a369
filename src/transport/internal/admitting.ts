/**
 * Puts the question who is let in before an HTTP endpoint. An answer that is there at once, a cached one or a refusal
 * that needs no look at anything, is given before the body is read; while another is waited for, the body may come.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as McpError from "../../protocol/McpError.ts"
import * as Admission from "../Admission.ts"
import * as HttpEndpoint from "../HttpEndpoint.ts"
import type * as Receiver from "../Receiver.ts"
import * as runner from "./runner.ts"

type Inner = Pick<HttpEndpoint.Endpoint, "refuse" | "accept">

export const make = (
  admission: Admission.Admission["Service"] | undefined,
  transport: Receiver.Connection["transport"]
): Effect.Effect<(inner: Inner) => Inner, never, Scope.Scope> =>
  Effect.gen(function*() {
    if (admission === undefined) return (inner) => inner
    const ask = yield* asking(admission, transport)
    return (inner) => {
      // A symbol of this endpoint: what another was told of the head is not told to this one.
      const asked = Symbol("asked")
      // NOTE: noted on the head, for a `WeakMap` costs every request a twentieth of its time.
      type Noted = HttpEndpoint.Head & { [asked]?: Asked }
      return {
        refuse: (head: Noted) => {
          const one = head[asked] = ask(head)
          const { verdict } = one
          return verdict?._tag === "Refused" ? answerOf(verdict) : inner.refuse(head)
        },
        accept: (head: Noted, body, responder) => {
          // A mount that has not shown the head to `refuse` gets nobody in.
          const one = head[asked] ?? ask(head)
          const enter = (verdict: Admission.Verdict): () => void => {
            if (verdict._tag === "Admitted") return inner.accept(admitted(head, verdict), body, responder)
            HttpEndpoint.respond(responder, answerOf(verdict))
            return ignore
          }
          if (one.verdict !== undefined) return enter(one.verdict)
          let isGone = false
          let disconnect = () => {
            isGone = true
          }
          one.then = (verdict) => {
            if (!isGone) disconnect = enter(verdict)
          }
          return () => disconnect()
        }
      }
    }
  })

/** A question, and its answer once it is there. */
export interface Asked {
  verdict: Admission.Verdict | undefined
  then: ((verdict: Admission.Verdict) => void) | undefined
}

/** Asks, and is answered whatever becomes of who is asked, also when the scope closes meanwhile. */
export const asking = (
  admission: Admission.Admission["Service"],
  transport: Receiver.Connection["transport"]
): Effect.Effect<(head: Pick<HttpEndpoint.Head, "header" | "method">) => Asked, never, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* runner.make
    const sha256 = yield* Admission.CurrentSha256
    const waiting = new Set<Asked>()
    let isClosed = false
    const answer = (asked: Asked, verdict: Admission.Verdict) => {
      waiting.delete(asked)
      asked.verdict = verdict
      asked.then?.(verdict)
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isClosed = true
        for (const asked of waiting) answer(asked, stopping)
      })
    )
    return ({ header, method }) => {
      if (isClosed) return { verdict: stopping, then: undefined }
      const answering = admission.admit({ transport, header, method, sha256 })
      if (Exit.isExit(answering) && Exit.isSuccess(answering)) {
        return { verdict: answering.value as Admission.Verdict, then: undefined }
      }
      const asked: Asked = { verdict: undefined, then: undefined }
      waiting.add(asked)
      run.run(answering, (exit) => {
        answer(asked, Exit.isSuccess(exit) ? exit.value : broken)
        if (Exit.isFailure(exit)) run.run(Effect.logError("Who is let in could not be told", exit.cause), ignore)
      })
      return asked
    }
  })

const broken: Admission.Refused = {
  _tag: "Refused",
  status: 500,
  headers: {},
  error: McpError.make(new McpError.InternalError())
}

const stopping: Admission.Refused = {
  _tag: "Refused",
  status: 503,
  headers: { "retry-after": "1" },
  error: McpError.make(new McpError.Overloaded({ message: "The server is about to stop." }))
}

/** The head of a request that was let in. */
export const admitted = <Head extends Pick<HttpEndpoint.Head, "context">>(
  head: Head,
  { context, expiresAt, principal }: Admission.Admitted
): Head & Required<Pick<HttpEndpoint.Head, "context" | "principal" | "expiresAt">> => ({
  ...head,
  context: head.context === undefined ? context : Context.merge(head.context, context),
  principal,
  expiresAt
})

export const answerOf = ({ error, headers, status }: Admission.Refused): HttpEndpoint.Answer =>
  HttpEndpoint.refusal(status, error, headers)

/** What has to be served beside an endpoint that asks. */
export const beside = (
  admission: Admission.Admission["Service"] | undefined
): ReadonlyMap<string, HttpEndpoint.Endpoint> | undefined =>
  admission === undefined || admission.documents.size === 0
    ? undefined
    : new Map(Array.from(admission.documents, ([path, document]) => [path, HttpEndpoint.document(document)]))

const ignore = () => {}
