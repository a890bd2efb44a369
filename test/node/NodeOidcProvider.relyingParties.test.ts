import { describe } from "vitest"
import { engine } from "../oauth/server/nodeOidcProviderEngine.ts"
import { suite } from "../oauth/server/relyingParties.ts"

describe("NodeOidcProvider", () => suite(engine))
