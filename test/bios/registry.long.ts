/** `registry.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./registry.test.ts";
