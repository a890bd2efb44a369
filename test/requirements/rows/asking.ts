/** What a server asks of its client: elicitation, sampling, roots, and the rounds they take from 2026-07-28. */
import { cite, type Row, row, stateless } from "../row.ts"

const mrtr = "basic/patterns/mrtr"
const elicitation = "client/elicitation"
const asks = { needs: "elicitation" } as const
const urls = { since: "2025-11-25" } as const

export const asking: ReadonlyArray<Row> = [
  row("elicitation:form", "MUST", "A form has a message and a schema.", [
    cite(elicitation, "Form mode elicitation requests MUST either specify mode", urls),
    cite(elicitation, "All elicitation requests MUST include", urls),
    cite(elicitation, "servers send an elicitation/create request", { since: "2025-06-18", until: "2025-06-18" })
  ], { since: "2025-06-18", ...asks }),
  row("elicitation:url", "MUST", "A page to visit has a message and a URL that is one.", [
    cite(elicitation, "URL mode elicitation requests MUST specify mode"),
    cite(elicitation, "The url parameter MUST contain a valid URL")
  ], { ...urls, ...asks }),
  row("elicitation:undeclared", "MUST", "A client is never asked in a mode it did not declare.", [
    cite(elicitation, "MUST NOT send elicitation requests with modes", urls),
    cite(elicitation, "MUST declare the elicitation capability", { since: "2025-06-18", until: "2025-06-18" })
  ], { since: "2025-06-18", ...asks }),
  row("elicitation:declined", "MUST", "A user who declines or cancels is an outcome the handler gets.", [
    cite(elicitation, "MUST handle cases where the user declines", stateless),
    cite(elicitation, "User explicitly declined the request", { since: "2025-06-18" })
  ], { since: "2025-06-18", ...asks }),
  row("sampling:tools", "MUST", "A client that did not declare tools in sampling is sent none.", [
    cite("client/sampling", "MUST NOT send tool-enabled sampling requests")
  ], { since: "2025-11-25", needs: "sampling" }),
  row("sampling:tool-results", "MUST", "A conversation that uses a tool and leaves its result out is not sent.", [
    cite("client/sampling", "every assistant message containing ToolUseContent blocks MUST"),
    cite("client/sampling", "it MUST contain ONLY tool results"),
    cite("client/sampling", "Servers MUST ensure that when replying"),
    cite("schema", "MUST match the ID from a previous ToolUseContent")
  ], { since: "2025-11-25", needs: "sampling" }),
  row("roots:list", "plain", "Roots are asked for with roots/list, and the handler gets them.", [
    cite("client/roots", "servers send a roots/list request", { until: "2025-11-25" }),
    cite("client/roots", "To retrieve roots", stateless)
  ], { needs: "roots" }),
  row("roots:undeclared", "plain", "A client that did not declare roots is not asked for them.", [
    cite("client/roots", "Clients that support roots MUST declare the roots capability")
  ], { needs: "roots" }),

  row("mrtr:pattern", "MUST", "Questions to the client come as a result that needs input.", [
    cite(mrtr, "using the MRTR pattern")
  ], { ...stateless, ...asks }),
  row("mrtr:fields", "MUST", "Such a result has questions of the three kinds, under keys of their own.", [
    cite(mrtr, "MUST be unique within the scope of the request"),
    cite(mrtr, "values are request objects that MUST be one of"),
    cite(mrtr, "MUST include at least one of inputRequests or requestState"),
    cite("schema", "At least one of inputRequests or requestState MUST")
  ], { ...stateless, ...asks }),
  row("mrtr:requests", "MUST", "No other request than a call, a prompt or a read is answered so.", [
    cite(mrtr, "MUST NOT send InputRequiredResult responses on any other")
  ], { ...stateless, ...asks }),
  row("mrtr:state", "MUST", "State that was tampered with is refused, and the handler does not run on it.", [
    cite(mrtr, "MUST treat requestState as an attacker-controlled input"),
    cite(mrtr, "MUST reject state that fails verification"),
    cite(mrtr, "MUST validate request state as described")
  ], { ...stateless, ...asks }),
  row("mrtr:undeclared", "MUST", "No question comes that the client did not declare.", [
    cite(mrtr, "MUST NOT send an inputRequests that the client"),
    cite(mrtr, "MUST NOT include any elicitation/create requests")
  ], { ...stateless, ...asks }),
  row("mrtr:unanswered", "MUST", "A client that never comes back leaves nothing running.", [
    cite(mrtr, "MUST NOT assume that clients will fulfill")
  ], { ...stateless, ...asks })
]
