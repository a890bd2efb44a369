import { suite } from "./differentialSuite.ts"

suite("granting")
