import * as z from "zod";
import { PciAddress } from "./schemas.ts";

/**
 * Who uses the virtual functions, by the name that an operator knows: what `holders` of a VF only tell as a
 * process or a namespace.
 */

const vfs = z.array(PciAddress);

export const Guest = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("domain"),
      name: z.string(),
      uuid: z.string().nullable(),
      title: z.string().nullable(),
      running: z.boolean(),
      pid: z.int().nullable(),
      vfs,
    }),
    z.strictObject({
      kind: z.literal("machine"),
      name: z.string().nullable(),
      uuid: z.string().nullable(),
      pid: z.int(),
      vfs,
    }),
    z.strictObject({
      kind: z.literal("container"),
      engine: z.string().nullable(),
      id: z.string(),
      name: z.string().nullable(),
      pid: z.int().nullable(),
      vfs,
    }),
    z.strictObject({ kind: z.literal("namespace"), name: z.string(), vfs }),
    z.strictObject({ kind: z.literal("process"), pid: z.int(), command: z.string(), vfs }),
  ])
  .meta({
    id: "Guest",
    description:
      "domain: a virtual machine that libvirt knows (title: what Nova or its owner calls it); machine: " +
      "QEMU without libvirt, by its command line; container: by the control group of its processes; " +
      "namespace: a network namespace of nobody that is known; vfs: those that it has, or would have if it " +
      "ran",
  });
export type Guest = z.infer<typeof Guest>;
