/** `hostile.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./hostile.test.ts";
