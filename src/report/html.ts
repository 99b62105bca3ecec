import type { HostState } from "../host/state.ts";
import type { Verdict } from "../reconcile/verdict.ts";
import type { Spec } from "../spec/schema.ts";
export function htmlReport(_spec: Spec, _state: HostState, _verdicts: readonly Verdict[], _version: string): string {
  return "";
}
