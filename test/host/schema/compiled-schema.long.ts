/** `compiled-schema.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./compiled-schema.test.ts";
