/** `neutron.test.ts` with full counts. */
import "../support/full-counts.ts";
import "./neutron.test.ts";
