import type { MapFlows } from "../../map/schema.ts";
import type { EdgeState, TextKind } from "./map-shapes.ts";
import { flowStateOf } from "./map-words.ts";

/** The kind of line that is drawn for flows. */
export function stateOf(flows: MapFlows | null): EdgeState {
  return flows === null ? "none" : flowStateOf(flows);
}

/** How flows are written beside it. */
export function stateClass(flows: MapFlows | null): TextKind {
  const state = stateOf(flows);
  return state === "hardware"
    ? "flow good"
    : state === "software" || state === "partial"
      ? "flow doubt"
      : "flow faint";
}
