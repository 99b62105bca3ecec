import { helpText, labelValue } from "../terminal/escape.ts";

/**
 * Prometheus' text format. Source: https://prometheus.io/docs/instrumenting/exposition_formats/, text-based
 * format.
 */

/** All samples of one metric. */
export interface Metric {
  readonly name: string;
  /** One sentence, with the unit where the name does not say it. */
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** A label with an empty value counts as absent, and is left out. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Metrics as a scraper reads them; one without samples is left out. Two samples with the same labels would
 * make node_exporter refuse the whole file: the first one stays.
 */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = new Map<string, string>();
      for (const sample of samples) {
        const series = `${name}${labelText(sample.labels)}`;
        if (!lines.has(series)) lines.set(series, `${series} ${sample.value}`);
      }
      return `# HELP ${name} ${helpText(help)}\n# TYPE ${name} ${type}\n${[...lines.values()].join("\n")}\n`;
    })
    .join("");
}

function labelText(labels: Sample["labels"]): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== "");
  return pairs.length === 0
    ? ""
    : `{${pairs.map(([name, value]) => `${name}="${labelValue(value)}"`).join(",")}}`;
}

/** A metric that can go up and down. */
export function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

/** No sample where the value is not known. */
export function sampleOf(labels: Sample["labels"], value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}

/** 1 for yes. */
export function bit(holds: boolean): number {
  return holds ? 1 : 0;
}
