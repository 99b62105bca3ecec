/** `placement.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./placement.test.ts";
