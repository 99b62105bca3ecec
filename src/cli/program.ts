import { Command } from "commander";
import { applyCommand, bootCommand } from "./apply.ts";
import { biosCommand } from "./bios.ts";
import { completionCommand } from "./completion.ts";
import { explainCommand } from "./explain.ts";
import { fleetCommand } from "./fleet.ts";
import { initCommand } from "./init.ts";
import { inspectCommand } from "./inspect.ts";
import { kayobeCommand } from "./kayobe.ts";
import { kollaCommand } from "./kolla.ts";
import { mapCommand } from "./map.ts";
import { neutronCommand } from "./neutron.ts";
import { novaCommand } from "./nova.ts";
import { openstackCommand } from "./openstack.ts";
import { planCommand } from "./plan.ts";
import { portCommand } from "./port.ts";
import { renderCommand } from "./render.ts";
import { serverCommand } from "./server.ts";
import { simulateCommand } from "./simulate.ts";
import { uninstallCommand } from "./uninstall.ts";
import { verifyCommand } from "./verify.ts";
import { watchCommand } from "./watch.ts";

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
      "\nExit codes: 0 nothing to do, or all holds; 2 changes pending, or deviations; 1 error.\n\nExamples:\n  vflag init --write        propose a spec for this host\n  vflag plan                see what would be done\n  vflag apply               do it\n  vflag verify              see whether it works, and if not, why\n",
    );
}
