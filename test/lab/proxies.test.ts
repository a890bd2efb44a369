import { proxies } from "./models/proxies.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(proxies)
