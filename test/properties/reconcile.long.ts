/** `reconcile.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./reconcile.test.ts";
