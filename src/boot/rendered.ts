import type { Artefact } from "./artefact.ts";
import { plainArtefacts } from "./artefacts.ts";
import { grubDropInPath } from "./grub.ts";
import { stageUnits } from "./units.ts";
import { verifyTimer, verifyUnit } from "./verify-units.ts";

/** A file that `vflag render` prints, by the name that it is asked for. */
export interface Rendered {
  readonly name: string;
  readonly path: string;
  readonly summary: string;
  readonly from:
    | { readonly kind: "options"; readonly text: (options: RenderOptions) => string }
    /** It is made of the spec, and of the ports that the host has. */
    | { readonly kind: "host"; readonly artefact: Artefact }
    /** It is made of the section `kernel`, and of the host's processor. */
    | { readonly kind: "kernel" };
}

export interface RenderOptions {
  /** The absolute path of the program. */
  readonly program: string;
  /** Where vflag-verify.service writes its metrics. */
  readonly metrics: string;
}

const unitFolder = "/etc/systemd/system";

/** Every one, as they are listed. */
export const rendered: readonly Rendered[] = [
  ...stageUnits.map(
    ({ name, path, summary, make }): Rendered => ({
      ...{ name, path, summary },
      from: { kind: "options", text: (options) => make(options).text },
    }),
  ),
  ...plainArtefacts.map(
    (artefact): Rendered => ({
      ...{ name: artefact.name, path: artefact.path, summary: artefact.summary },
      from: { kind: "host", artefact },
    }),
  ),
  {
    name: verifyTimer.name,
    path: `${unitFolder}/${verifyTimer.name}`,
    summary: "when the verdict is written for monitoring, if it is enabled",
    from: { kind: "options", text: () => verifyTimer.text },
  },
  {
    name: "vflag-verify.service",
    path: `${unitFolder}/vflag-verify.service`,
    summary: "what writes it, for node_exporter's textfile collector",
    from: { kind: "options", text: (options) => verifyUnit(options).text },
  },
  {
    name: "grub",
    path: grubDropInPath,
    summary: "arguments of the kernel, for update-grub (render grub)",
    from: { kind: "kernel" },
  },
];
