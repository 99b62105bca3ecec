import type { Driver } from "../driver.ts";
import { plainNic, switchdevNic } from "./profiles.ts";

/**
 * A driver of which nothing is known: it is asked for what every driver does, and its ports follow one
 * another.
 */
export const generic: Omit<Driver, "name" | "vfDriver"> = {
  models: [],
  vendor: null,
  moduleOptions: null,
  hidesSriov: false,
  changesModesAtOnce: () => false,
  answersModeQuestion: false,
  needsNoUdevSince: null,
  offload: null,
  lag: null,
  restartWords: null,
  refusedForGood: () => null,
  hasPortsOnOneFunction: false,
  hasFirmwareTool: false,
  profileOf: (_model, hasEswitch) => (hasEswitch ? switchdevNic : plainNic),
};
