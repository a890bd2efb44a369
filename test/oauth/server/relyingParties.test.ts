import { describe } from "vitest"
import { engine as oidcProvider } from "./oidcProviderEngine.ts"
import { engine as ours } from "./ownEngine.ts"
import { suite } from "./relyingParties.ts"

describe(oidcProvider.name, () => suite(oidcProvider))

describe(ours.name, () => suite(ours))
