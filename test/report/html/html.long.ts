/** `html.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./html.test.ts";
