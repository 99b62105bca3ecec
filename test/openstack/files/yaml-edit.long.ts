/** `yaml-edit.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./yaml-edit.test.ts";
