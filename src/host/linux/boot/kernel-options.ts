import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { offloadOptions } from "../../../drivers/registry.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import type { Kernel } from "../system/kernel.ts";
import { readText } from "../system/sysfs.ts";

/**
 * What the running kernel was built with. An option that depends on others is left out of the file where
 * these are not set, and is then off: MLX5_CLS_ACT needs NET_TC_SKB_EXT, which Debian's 6.12 does not set.
 * The vendor's own driver, which shows its version in sysfs, has options of its own.
 */
export function findKernelOptions(
  { sysRoot, procRoot, filesRoot }: Pick<Kernel, "sysRoot" | "procRoot" | "filesRoot">,
  release: string,
): Observed<Record<string, boolean>> {
  const vendors = readText(join(sysRoot, "module/mlx5_core/version"));
  if (vendors !== null)
    return unknown(
      `mlx5_core is the vendor's ${vendors}, whose options the kernel's configuration does not show`,
    );
  const text = configurationOf(procRoot, filesRoot, release);
  if (text === null) return unknown(`neither /boot/config-${release} nor /proc/config.gz can be read`);
  return Object.fromEntries(
    offloadOptions.map((name) => [name, new RegExp(`^${name}=[ym]$`, "m").test(text)]),
  );
}

/** Whole, and of a kernel: an empty or cut file would make every option look as if it were off. */
function configurationOf(procRoot: string, filesRoot: string, release: string): string | null {
  const readers = [
    () => readFileSync(join(filesRoot, `/boot/config-${release}`), "utf8"),
    () => readFileSync(join(filesRoot, `/lib/modules/${release}/config`), "utf8"),
    () =>
      gunzipSync(readFileSync(join(procRoot, "config.gz")), { maxOutputLength: 8 * 1024 * 1024 }).toString(
        "utf8",
      ),
  ];
  for (const read of readers) {
    const text = attempt(read);
    if (text !== null && /^CONFIG_NET=y$/m.test(text) && /^CONFIG_MLX5_CORE=[ym]$/m.test(text)) return text;
  }
  return null;
}

function attempt(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
