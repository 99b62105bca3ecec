/** `nova-conf.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./nova-conf.test.ts";
