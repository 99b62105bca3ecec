/** `history.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./history.test.ts";
