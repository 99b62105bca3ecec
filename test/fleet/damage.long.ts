/** `damage.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./damage.test.ts";
