import { known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import type { Verdict } from "../../verdict/verdict.ts";
import { bit, exposition, gauge, type Metric, sampleOf } from "./exposition.ts";
import { nicMetrics } from "./nic-metrics.ts";
import { verdictMetrics } from "./verdict-metrics.ts";

/**
 * The verdict and what it rests on, for node_exporter's textfile collector.
 *
 * What was not observed has no sample: a missing series is not a zero. Labels name what an operator declared
 * (NICs) or what the host has a handful of (ports, slaves): nothing per VF or per flow. Source of the
 * conventions: https://prometheus.io/docs/practices/naming/.
 */
export function prometheusText(
  spec: Spec,
  state: HostState,
  verdicts: readonly Verdict[],
  version: string,
): string {
  return exposition([
    ...programMetrics(state, version),
    ...verdictMetrics(spec, verdicts),
    ...nicMetrics(spec, state),
    ...ovsMetrics(state),
  ]);
}

function programMetrics(state: HostState, version: string): Metric[] {
  return [
    gauge("vflag_build_info", "The vflag that wrote this.", [{ labels: { version }, value: 1 }]),
    gauge("vflag_host_info", "The host as it was observed.", [
      { labels: { hostname: state.hostname, kernel: state.kernel }, value: 1 },
    ]),
    gauge("vflag_last_observation_timestamp_seconds", "When the host was observed, in seconds since 1970.", [
      { labels: {}, value: Date.parse(state.observedAt) / 1000 },
    ]),
  ];
}

function ovsMetrics(state: HostState): Metric[] {
  const ovs = known(state.ovs);
  if (ovs == null) return [];
  const inEffect = known(ovs.offloadInEffect);
  return [
    gauge(
      "vflag_ovs_info",
      "Open vSwitch on the host.",
      ovs.version === null ? [] : sampleOf({ version: ovs.version }, 1),
    ),
    gauge("vflag_ovs_running", "Whether ovs-vswitchd answers.", sampleOf({}, bit(ovs.running))),
    gauge(
      "vflag_ovs_offload_configured",
      "Whether other_config:hw-offload is true.",
      sampleOf({}, bit(ovs.hwOffload)),
    ),
    gauge(
      "vflag_ovs_offload_in_effect",
      "Whether the running ovs-vswitchd hands flows to tc.",
      sampleOf({}, inEffect === undefined ? undefined : bit(inEffect)),
    ),
  ];
}
