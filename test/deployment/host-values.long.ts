/** `host-values.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./host-values.test.ts";
