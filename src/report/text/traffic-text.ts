import { isUnknown, notLookedThen } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import {
  type Carrier,
  type Count,
  type Traffic,
  trafficOf,
  type Uplinks,
} from "../../requirements/traffic/traffic.ts";
import { count } from "../terminal/style.ts";

const words: Readonly<Record<Carrier, string>> = {
  hardware: "in hardware",
  partial: "partly in hardware",
  software: "in software",
  exempt: "in software, rightly",
  unknown: "not told where",
};
const order = ["hardware", "partial", "software", "exempt", "unknown"] as const;

/** `2 flows in hardware (4500 packets), 1 in software, rightly (7)`; empty where there are none. */
export function carriedText(traffic: Traffic): string {
  const told: [Carrier, Count][] = order
    .map((carrier): [Carrier, Count] => [carrier, traffic[carrier]])
    .filter(([, { flows }]) => flows > 0);
  return told
    .map(([carrier, { flows, packets }], at) =>
      at === 0
        ? `${count(flows, "flow")} ${words[carrier]} (${shortNumber(packets)} packets)`
        : `${flows} ${words[carrier]} (${shortNumber(packets)})`,
    )
    .join(", ");
}

/** Both directions in a few words, for a picture: `1.7M packets in hardware`, and what is not. */
export function bothText({ in: coming, out }: { readonly in: Traffic; readonly out: Traffic }): string {
  const sums = order.map((carrier) => ({
    carrier,
    flows: coming[carrier].flows + out[carrier].flows,
    packets: coming[carrier].packets + out[carrier].packets,
  }));
  const told = sums.filter(({ flows, carrier }) => flows > 0 && carrier !== "exempt");
  const [first = sums.find(({ flows }) => flows > 0)] = told.toSorted(
    (a, b) => Number(b.carrier === "software") - Number(a.carrier === "software"),
  );
  return first === undefined ? "" : `${shortNumber(first.packets)} packets ${words[first.carrier]}`;
}

/**
 * What `verify` says of a NIC's flows, without a judgement; null where there is nothing that could have any.
 */
export function trafficLine(nic: Uplinks, state: HostState): string | null {
  const traffic = trafficOf(nic, state);
  if (traffic === null) return null;
  if (isUnknown(traffic))
    return traffic.unknown === notLookedThen.unknown || isUnknown(state.ovs)
      ? null
      : `not known: ${traffic.unknown}`;
  const uplink = nic.bond ?? "the ports";
  const [by, of] = [carriedText(traffic.uplinks), carriedText(traffic.representors)];
  if (by === "" && of === "") return "none seen";
  return `in by ${uplink}: ${by || "no flow"}; by representors: ${of || "no flow"}`;
}

const steps = ["", "k", "M", "G", "T", "P"] as const;

/** Four characters or so: `999`, `1.2k`, `54M`. */
export function shortNumber(number: number): string {
  const step = number < 1000 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(number) / 3));
  const scaled = number / 1000 ** step;
  // Cut, not rounded: what is shown was there.
  const text =
    step === 0
      ? String(number)
      : scaled < 10
        ? (Math.floor(scaled * 10) / 10).toFixed(1)
        : String(Math.floor(scaled));
  return `${text}${steps[step]}`;
}
