import type { Action } from "../../src/host/actions/action.ts";
import type { Host } from "../../src/host/host.ts";
import { unknown } from "../../src/host/state/observed.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { Observer } from "../../src/reconcile/step.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { portsOf } from "./testbed.ts";

/** Seconds that a LAG is waited for: it is there within one, or never. */
const LAG_SECONDS = 4;

/**
 * Brings the first card to VF-LAG over bond0 with two VFs a port, as vflag's boot stages do, and returns how
 * far that came: the requirements that stopped it, or `settled`.
 */
export async function converge(host: Host, observer: Observer = {}): Promise<string> {
  const ports = portsOf(await host.observe()).map(({ address }) => `{address: "${address}"}`);
  const nic = `{name: data, mode: vf-lag, ports: [${ports.join(", ")}], vfs: 2, bond: bond0}`;
  const spec = loadSpec(`version: 1\nnics: [${nic}]\n`, "the random test's spec");
  const outcomes = await reconcile(new NicsOnly(host), spec, { stages: ["early", "late"], observer });
  const own = outcomes.find(({ nic }) => nic === "data");
  const reasons = new Set(own?.stoppedBy.map(({ requirement }) => requirement));
  return [own?.status ?? "no outcome", ...reasons].join(" ");
}

/** A host of which nothing but the NICs is seen, as by the real one in these tests. */
class NicsOnly implements Host {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async observe(): Promise<HostState> {
    const hidden = unknown("not looked at");
    const around = {
      program: hidden,
      files: hidden,
      units: hidden,
      platform: hidden,
      openStack: hidden,
      guests: hidden,
    };
    const offload = {
      firmware: hidden,
      ovs: hidden,
      ovsLog: hidden,
      kernelLog: hidden,
      flows: hidden,
      ingressQdiscs: hidden,
    };
    return { ...(await this.#host.observe()), ...around, ...offload };
  }

  perform(action: Action): Promise<void> {
    return this.#host.perform(action.kind === "activate-lag" ? { ...action, seconds: LAG_SECONDS } : action);
  }
}
