/** `ini.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./ini.test.ts";
