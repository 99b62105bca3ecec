/** `after-glance.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./after-glance.test.ts";
