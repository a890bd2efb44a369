/** Our server under the official client of the first generation, `@modelcontextprotocol/sdk`. */
import * as features from "./featureSuite.ts"
import * as suite from "./suite.ts"
import { client } from "./v1.ts"

suite.describeClient(client)
features.describeClient(client)
