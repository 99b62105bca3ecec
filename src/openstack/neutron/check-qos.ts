import type { Configuration } from "../check-finding.ts";
import { entriesOf, listValue, optionValue, readIni } from "../files/ini.ts";

/** Limits of ports and bandwidths of devices are nothing to an agent without its extension qos. */
export function checkQos(
  { sriovAgent, ml2 }: Configuration,
  report: (line: number | null, text: string) => void,
): void {
  if (sriovAgent === undefined) return;
  const agent = readIni(sriovAgent, "template");
  const [extensions] = entriesOf(agent, "agent", "extensions").slice(-1);
  if (extensions?.templated === true || listValue(extensions?.value ?? "").includes("qos")) return;
  const [bandwidths] = entriesOf(agent, "sriov_nic", "resource_provider_bandwidths").slice(-1);
  const without = "[agent] extensions of sriov_agent.ini is without qos";
  if (bandwidths !== undefined && bandwidths.value !== "")
    report(
      bandwidths.line,
      `resource_provider_bandwidths is set, and ${without}: Nova counts bandwidths that nothing enforces`,
    );
  const drivers =
    ml2 === undefined ? "" : (optionValue(readIni(ml2, "template"), "ml2", "extension_drivers") ?? "");
  if (listValue(drivers).includes("qos"))
    report(
      extensions?.line ?? null,
      `ml2_conf.ini has the extension driver qos, and ${without}: QoS policies of these ports do nothing`,
    );
}
