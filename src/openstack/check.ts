import { resolvePorts } from "../spec/selectors.ts";
import type { Configuration, ConfigurationFinding, FoundNic, Report } from "./check-finding.ts";
import { checkNames } from "./check-names.ts";
import { readIni } from "./files/ini.ts";
import { checkAgent } from "./neutron/check-agent.ts";
import { checkMl2 } from "./neutron/check-ml2.ts";
import { checkQos } from "./neutron/check-qos.ts";
import { checkNova } from "./nova/check-rules.ts";
import type { ConfRequest } from "./nova/nova-conf.ts";

/** Holds configuration against the VFs that a host has, or will have, and against what a release knows. */
export function checkConfiguration(files: Configuration, request: ConfRequest): ConfigurationFinding[] {
  const found: ConfigurationFinding[] = [];
  const nics = request.spec.nics.flatMap((nic): FoundNic[] => {
    const ports = resolvePorts(nic, request.state);
    return "pfs" in ports ? [{ nic, pfs: ports.pfs }] : [];
  });
  const checks = { nova: checkNova, sriovAgent: checkAgent, ml2: checkMl2 } as const;
  for (const file of ["nova", "sriovAgent", "ml2"] as const) {
    const text = files[file];
    if (text === undefined) continue;
    const report: Report = (kind, line, what) => found.push({ kind, file, line, text: what });
    const ini = readIni(text, request.deployment === "kolla" ? "template" : "plain");
    for (const { line, message } of ini.problems)
      report("wrong", line, `oslo.config refuses the file: ${message}`);
    if (ini.problems.length > 0) continue;
    checkNames(ini, file, request.release, report);
    checks[file](ini, request, nics, report);
  }
  checkQos(files, (line, text) => found.push({ kind: "doubtful", file: "sriovAgent", line, text }));
  return found;
}
