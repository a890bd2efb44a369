/** What a call logs for whoever runs the server: a client that asked for logs does not get it. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

export type OwnLog = (message: string, cause: unknown) => Effect.Effect<void>

/** Made where the provider is opened, since calls have a logger more, which writes to their client. */
export const make: Effect.Effect<OwnLog> = Effect.map(
  Effect.service(Logger.CurrentLoggers),
  (loggers): OwnLog => (message, cause) =>
    Effect.provideService(Effect.logWarning(message, cause), Logger.CurrentLoggers, loggers)
)
