import { Command } from "commander";
import { completionCommand } from "./completion.ts";
import { fleetCommand } from "./fleet/fleet.ts";
import { applyCommand, bootCommand } from "./host/apply.ts";
import { biosCommand } from "./host/bios.ts";
import { explainCommand } from "./host/explain.ts";
import { initCommand } from "./host/init.ts";
import { inspectCommand } from "./host/inspect.ts";
import { mapCommand } from "./host/map.ts";
import { planCommand } from "./host/plan.ts";
import { renderCommand } from "./host/render.ts";
import { simulateCommand } from "./host/simulate.ts";
import { uninstallCommand } from "./host/uninstall.ts";
import { verifyCommand } from "./host/verify.ts";
import { watchCommand } from "./host/watch.ts";
import { kayobeCommand } from "./openstack/kayobe.ts";
import { kollaCommand } from "./openstack/kolla.ts";
import { neutronCommand } from "./openstack/neutron.ts";
import { novaCommand } from "./openstack/nova.ts";
import { openstackCommand } from "./openstack/openstack.ts";
import { portCommand } from "./openstack/port.ts";
import { serverCommand } from "./openstack/server.ts";

/** The command line: every command, without having loaded what it needs to run. */
export function buildProgram(version: string): Command {
  return new Command("vflag")
    .description("SR-IOV, switchdev and VF-LAG on a hypervisor: one spec, one exact plan, one verdict.")
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError("(vflag --help shows the commands)")
    .addCommand(initCommand())
    .addCommand(inspectCommand())
    .addCommand(planCommand())
    .addCommand(applyCommand())
    .addCommand(verifyCommand())
    .addCommand(mapCommand())
    .addCommand(watchCommand())
    .addCommand(explainCommand())
    .addCommand(bootCommand())
    .addCommand(renderCommand())
    .addCommand(novaCommand())
    .addCommand(neutronCommand())
    .addCommand(openstackCommand())
    .addCommand(kayobeCommand())
    .addCommand(kollaCommand())
    .addCommand(portCommand())
    .addCommand(serverCommand())
    .addCommand(fleetCommand())
    .addCommand(biosCommand())
    .addCommand(uninstallCommand())
    .addCommand(simulateCommand())
    .addCommand(completionCommand())
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing to do, or all holds; 2 changes pending, or deviations; 1 error.\n\n" +
        "Examples:\n" +
        "  vflag init --write        propose a spec for this host\n" +
        "  vflag plan                see what would be done\n" +
        "  vflag apply               do it\n" +
        "  vflag verify              see whether it works, and if not, why\n",
    );
}
