/**
 * The stream a request is answered on. A handler that will take long need not hold its client's connection open all the
 * while.
 */
import * as RequestContext from "./RequestContext.ts"

/**
 * Closes the connection without ending the request: the client waits a moment, comes back and gets the answer, and
 * whatever was sent meanwhile (2025-11-25 over Streamable HTTP). Nothing happens on other transports and in other
 * revisions, whose clients would take a closed connection for the end.
 *
 * @category streams
 * @since 0.1.0
 */
export const closeConnection = RequestContext.RequestContext.use(({ closeConnection }) => closeConnection)
