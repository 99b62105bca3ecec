import { isPlainArgument } from "../host/actions/kernel-arguments.ts";
import { madeByVflag } from "./artefact.ts";
import type { ArgumentGroup } from "./kernel-arguments.ts";

/** Debian's drop-in for GRUB: text out. */

export const grubDropInPath = "/etc/default/grub.d/vflag.cfg";

/**
 * A piece of shell that grub-mkconfig reads after /etc/default/grub and the drop-ins before it by name. It
 * appends what is not there yet, and leaves everything else as it is. Without arguments it changes nothing.
 * Throws where an argument is not plain: this is a shell's text. Source: Debian's grub-mkconfig
 * (default-grub-d.patch); GRUB manual, "Simple configuration handling".
 */
export function grubDropIn(groups: readonly ArgumentGroup[]): string {
  const strange = groups.flat().find((argument) => !isPlainArgument(argument));
  if (strange !== undefined) throw new Error(`${JSON.stringify(strange)} is no plain kernel argument`);
  const list = groups.map((group) => ` "${group.join(" ")}"`).join("");
  return `${madeByVflag}
# It is read by update-grub, after /etc/default/grub.
for vflag_arguments in${list}; do
  case " $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT " in
    *" $vflag_arguments "*) ;;
    *) GRUB_CMDLINE_LINUX="\${GRUB_CMDLINE_LINUX:+$GRUB_CMDLINE_LINUX }$vflag_arguments" ;;
  esac
done
unset vflag_arguments
`;
}
