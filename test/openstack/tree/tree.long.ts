/** `tree.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./tree.test.ts";
