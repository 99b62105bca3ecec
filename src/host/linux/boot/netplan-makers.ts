import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";
import type { VfMaker } from "../../state/vf-makers.ts";

type Line = VfMaker["lines"][number];

/**
 * What of netplan's YAML makes VFs: an ethernet with virtual-function-count or embedded-switch-mode, and each
 * VF, which is an ethernet with a `link`: without a count there are as many as are declared. Passwords and
 * the like are not taken along. Source: netplan-yaml(5); netplan, cli/sriov.py:
 * get_vf_count_and_functions().
 */
export function netplanLines(text: string): Line[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, logLevel: "silent" });
  const ethernets = document.getIn(["network", "ethernets"]);
  if (!isMap(ethernets)) return [];
  return ethernets.items.flatMap(({ key, value }) =>
    isMap(value) ? linesOf(scalar(key), value, (pair) => counter.linePos(startOf(pair)).line) : [],
  );
}

function linesOf(id: string, settings: YAMLMap, lineOf: (pair: Pair) => number): Line[] {
  const match = settings.get("match");
  const matched = isMap(match) ? ["name", "macaddress"].map((key) => scalar(match.get(key))) : [];
  const port = [id, ...matched, scalar(settings.get("set-name"))].filter((word) => word !== "").join(" ");
  return settings.items.flatMap((pair): Line[] => {
    const key = scalar(pair.key);
    const line = { line: lineOf(pair), text: `${key}: ${scalar(pair.value)}`.slice(0, 200) };
    if (key === "link") return [{ ...line, port: null }];
    const makes = key === "virtual-function-count" || key === "embedded-switch-mode";
    return makes ? [{ ...line, port: port.slice(0, 200) }] : [];
  });
}

function startOf({ key }: Pair): number {
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}

function scalar(node: unknown): string {
  const value = isScalar(node) ? node.value : node;
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
