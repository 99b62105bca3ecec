import assert from "node:assert/strict";
import { isInstalled } from "../../scripts/package/tools.ts";

/** Why Prometheus' own checks cannot be run here, or false. */
export function noPromtool(): string | false {
  return isInstalled("promtool") ? false : "promtool is not installed (Debian: prometheus)";
}

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads Prometheus' text format, strictly. Source:
 * https://prometheus.io/docs/instrumenting/exposition_formats/.
 */
export function parseExposition(text: string): {
  readonly samples: readonly ReadSample[];
  readonly types: ReadonlyMap<string, string>;
} {
  assert.ok(text === "" || text.endsWith("\n"), "the last line ends");
  const types = new Map<string, string>();
  const samples: ReadSample[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const type = /^# TYPE ([a-z_:][a-z0-9_:]*) (gauge|counter)$/.exec(line);
    if (type?.[1] !== undefined && type[2] !== undefined) types.set(type[1], type[2]);
    if (line.startsWith("# ")) continue;
    const [, name = "", inner = "", value = ""] =
      /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? assert.fail(`not understood: ${line}`);
    const pairs = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/gy)];
    assert.equal(pairs.map(([all]) => all).join(""), inner, line);
    const labels = pairs.map(([, label = "", escaped = ""]) => [
      label,
      escaped.replace(/\\(.)/g, (_, mark) => (mark === "n" ? "\n" : mark)),
    ]);
    assert.ok(types.has(name), `${name} has a type`);
    samples.push({ name, labels: Object.fromEntries(labels), value: Number(value) });
  }
  return { samples, types };
}
