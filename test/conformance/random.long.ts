/** `random.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./random.test.ts";
