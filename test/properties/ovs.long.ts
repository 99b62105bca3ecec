/** `ovs.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./ovs.test.ts";
