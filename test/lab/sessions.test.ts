import { sessions } from "./models/sessions.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(sessions)
