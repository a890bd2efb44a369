import * as SessionError from "../SessionError.ts"

export const unavailable = (store: string, cause: unknown): SessionError.SessionError =>
  SessionError.make(new SessionError.Unavailable({ store, cause }))
