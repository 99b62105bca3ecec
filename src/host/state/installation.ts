import * as z from "zod";

/** What is installed on a host for its next boot: files that are vflag's, and units of systemd. */

export const ManagedFile = z.strictObject({ path: z.string(), text: z.string(), mode: z.int() }).meta({
  id: "ManagedFile",
  description: "a file that vflag wrote, told by its name; mode: its permission bits",
});
export type ManagedFile = z.infer<typeof ManagedFile>;

export const Unit = z
  .strictObject({
    name: z.string(),
    path: z.string().nullable(),
    enabled: z.string().nullable(),
    active: z.string(),
    result: z.string(),
  })
  .meta({
    id: "Unit",
    description:
      "a unit that systemd knows, in its own words (systemctl show: FragmentPath, UnitFileState, " +
      "ActiveState, Result); a unit that is not there is not listed",
  });
export type Unit = z.infer<typeof Unit>;
