/** The tests of `examples/testing` are a suite of their own. */
import "../../examples/testing/workshop.test.ts"
