import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { mustRun } from "./exec.ts";
import type { Tools } from "./tools.ts";

/** What tells one build of a module from another. */
export interface ModuleIdentity {
  /** SHA-256 of the file as it is in the kernel's package, in hexadecimal. */
  readonly sum: string;
  /**
   * The linker's, in hexadecimal, which the kernel shows of a loaded module
   * (/sys/module/NAME/notes/.note.gnu.build-id).
   */
  readonly buildId: string;
}

/** @param file a module, compressed or not */
export async function identify(file: string, tools: Tools): Promise<ModuleIdentity> {
  const sum = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return { sum, buildId: buildIdIn(await unpacked(file, tools)) };
}

/** An ELF note: lengths of name and content, type 3 (NT_GNU_BUILD_ID), the name. */
export function buildIdIn(module: Buffer): string {
  const head = Buffer.from("040000001400000003000000474e5500", "hex");
  const at = module.indexOf(head);
  if (at < 0) throw new Error("the module has no build ID of 20 bytes");
  return module.subarray(at + head.length, at + head.length + 20).toString("hex");
}

async function unpacked(file: string, tools: Tools): Promise<Buffer> {
  if (!file.endsWith(".xz")) return readFile(file);
  const folder = await mkdtemp(join(tmpdir(), "vflag-module-"));
  try {
    const copy = join(folder, basename(file));
    await copyFile(file, copy);
    await mustRun(["xz", "--decompress", copy], { env: tools.env });
    return await readFile(copy.replace(/\.xz$/, ""));
  } finally {
    await rm(folder, { recursive: true });
  }
}
