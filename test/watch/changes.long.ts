/** `changes.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./changes.test.ts";
