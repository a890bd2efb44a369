import { describe } from "vitest"
import { engine as oidcProvider } from "./oidcProviderEngine.ts"
import { suite } from "./relyingParties.ts"

describe(oidcProvider.name, () => suite(oidcProvider))
