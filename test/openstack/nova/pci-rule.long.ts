/** `pci-rule.test.ts` with full counts. */
import "../../support/full-counts.ts";
import "./pci-rule.test.ts";
