import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../scripts/bundle.ts";
import { type Access, runInGuest } from "./ssh.ts";

/**
 * Puts vflag onto the guest's disk as it is shipped, one file, made of the sources as they are now. `/vflag/bin/vflag` runs
 * the sources themselves; over 9p that starts seconds later.
 */
export async function installProgram(access: Access, share: string): Promise<void> {
  await copyFile(await bundle(), join(share, "vflag.mjs"));
  // Its first run leaves compiled code beside it, as a package's installation would.
  const command = "install -D -m 755 /mnt/share/vflag.mjs /usr/lib/vflag/vflag.mjs && vflag inspect > /dev/null";
  const { code, stdout, stderr } = await runInGuest(access, [command], { timeout: 60_000 });
  if (code !== 0) throw new Error(`cannot install vflag in the guest: exit code ${code}\n${stdout}${stderr}`);
}
