/** Server-sent events as text: one line of data each, which is all that a frame of JSON needs. */
import type * as HttpEndpoint from "../HttpEndpoint.ts"

export const message = (frame: string): string => `event: message\ndata: ${frame}\n\n`

export const messageWithId = (id: string, frame: string): string => `id: ${id}\nevent: message\ndata: ${frame}\n\n`

/** No message yet, but an id to come back with, and how long to wait before that. */
export const priming = (id: string, retry: number): string => `id: ${id}\nretry: ${retry}\ndata: \n\n`

/** Says nothing to the client, and to everybody between that the connection lives. */
export const comment = ": still here\n\n"

export const headers: HttpEndpoint.Headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no"
}
