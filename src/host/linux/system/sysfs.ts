import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  write,
} from "node:fs";
import { promisify } from "node:util";
import type { PciAddress } from "../../state/values.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { within } from "./wait.ts";

/**
 * Reading and writing sysfs (and debugfs, and /proc), which are files with one value each.
 *
 * Reading is synchronous: an attribute costs 5 µs, a promise for it twenty times that. What is not there
 * reads as null, so that a device that goes away while it is looked at is a device without values, never a
 * crash. Paths are put together as text: `join` takes longer than reading, until it is compiled. Writing is
 * asynchronous: making VFs or probing a driver takes seconds inside the write, which runs in the thread pool.
 */

/** How long a write may take, in ms. mlx5 makes 127 VFs with their drivers in about a minute. */
const WRITE_LIMIT = 120_000;

/** The text of an attribute without white space around it; null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

/** An attribute that is a whole number, decimal; null when it is not there or not a number. */
export function readInteger(path: string): number | null {
  const text = readText(path);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

/** The last component of what a link points to, such as a driver's name; null when there is no link. */
export function readLinkName(path: string): string | null {
  try {
    const target = readlinkSync(path);
    return target.slice(target.lastIndexOf("/") + 1);
  } catch {
    return null;
  }
}

/** The names in a directory; none when it is not there. */
export function listNames(path: string): string[] {
  // To be told by an exception takes four times as long, and of hundreds of VFs most have none of what is
  // looked for.
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The directory of a PCI function. */
export function pciPath(sysRoot: string, address: PciAddress): string {
  return `${sysRoot}/bus/pci/devices/${address}`;
}

/** The directory of a PCI driver. Refuses names that are no names, so that none can lead elsewhere. */
export function driverPath(sysRoot: string, driver: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(driver))
    throw new Refusal("EINVAL", `${JSON.stringify(driver)} is no driver's name`);
  return `${sysRoot}/bus/pci/drivers/${driver}`;
}

/**
 * Writes an attribute with one write(2), as the kernel wants it, and waits until the kernel is done.
 * The file must exist: nothing is created. Throws Refusal with the errno's name, ETIMEDOUT after two minutes;
 * the kernel may then still be at work.
 */
export async function writeAttribute(path: string, value: string): Promise<void> {
  const what = `write ${value} to ${path}`;
  await within(WRITE_LIMIT, what, async () => {
    try {
      // Opening does not wait for the kernel's work, as writing does.
      const file = openSync(path, constants.O_WRONLY);
      await writeInThread(file, value).finally(() => closeSync(file));
    } catch (error) {
      throw refusalOf(error, what);
    }
  });
}

const writeInThread = promisify<number, string, unknown>(write);
