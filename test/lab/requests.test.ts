import { requests } from "./models/requests.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(requests)
