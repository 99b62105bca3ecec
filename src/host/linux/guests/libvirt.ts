import { join } from "node:path";
import { type PciAddress, parsePciAddress } from "../../state/values.ts";
import { FileTooLarge, readBounded } from "../system/bounded-file.ts";
import { listNames } from "../system/sysfs.ts";
import { allOf, childOf, type Element, readXml } from "./xml.ts";

/** A virtual machine as libvirt's own files tell it. */
export interface Domain {
  readonly name: string;
  readonly uuid: string | null;
  /** What Nova calls it, or its own title. */
  readonly title: string | null;
  /** Null for one that does not run. */
  readonly pid: number | null;
  /** The functions of the host that it is given. */
  readonly devices: readonly PciAddress[];
}

/** Bytes of a domain's file, of which none that was ever seen has a quarter, and of all files of a folder. */
const mostBytes = 4 * 1024 * 1024;
const mostBytesOfAll = 64 * 1024 * 1024;

/**
 * Where the definitions of domains are, running or not: libvirt's folder, and the volume in which Kolla keeps
 * it. Source: kolla-ansible, roles/nova-cell/defaults/main.yml, nova_libvirt_qemu.
 */
const definitions = [
  "etc/libvirt/qemu",
  "var/lib/docker/volumes/nova_libvirt_qemu/_data",
  "var/lib/containers/storage/volumes/nova_libvirt_qemu/_data",
];

/**
 * libvirt's domains: first those that run, from the files by which it finds them again after its own restart,
 * then those that are defined and do not. Its daemons are not asked: they may be in a container, or hang.
 * Source: libvirt src/conf/domain_conf.c, virDomainObjFormat() and virDomainDefFormat().
 * @throws {FileTooLarge} there are more or larger ones than are read, so that nobody knows whose a VF is
 */
export function findDomains({
  runRoot,
  filesRoot,
}: {
  readonly runRoot: string;
  readonly filesRoot: string;
}): Domain[] {
  const running = domainsIn(join(runRoot, "libvirt/qemu")).filter(({ pid }) => pid !== null);
  const names = new Set(running.map(({ name }) => name));
  const defined = definitions
    .flatMap((folder) => domainsIn(join(filesRoot, folder)))
    .filter(({ name }) => !names.has(name));
  return [...running, ...new Map(defined.map((domain) => [domain.name, { ...domain, pid: null }])).values()];
}

function domainsIn(folder: string): Domain[] {
  let left = mostBytesOfAll;
  return listNames(folder)
    .filter((name) => name.endsWith(".xml"))
    .sort()
    .flatMap((name) => {
      try {
        const text = readBounded(join(folder, name), Math.min(left, mostBytes));
        left -= text.length;
        return domainOf(text.toString()) ?? [];
      } catch (error) {
        if (error instanceof FileTooLarge) throw error;
        return [];
      }
    });
}

/** A domain, or null where the text describes none. */
export function domainOf(text: string): Domain | null {
  const top = readXml(text);
  if (top === null) return null;
  const domain = top.name === "domain" ? top : childOf(top, "domain");
  const name = childOf(domain, "name")?.text.trim() ?? "";
  if (domain === undefined || name === "") return null;
  const pid = Number(top.attributes.get("pid") ?? 0);
  return {
    name,
    uuid: textOf(childOf(domain, "uuid")),
    title: textOf(novaName(domain)) ?? textOf(childOf(domain, "title")),
    pid: top.name === "domstatus" && Number.isSafeInteger(pid) && pid > 0 ? pid : null,
    devices: devicesOf(childOf(domain, "devices")),
  };
}

/** nova/virt/libvirt/config.py, LibvirtConfigGuestMetaNovaInstance: `<nova:instance><nova:name>`. */
function novaName(domain: Element): Element | undefined {
  const instance = childOf(domain, "metadata")?.children.find(({ name }) =>
    /^(?:[^:]+:)?instance$/.test(name),
  );
  return instance?.children.find(({ name }) => /^(?:[^:]+:)?name$/.test(name));
}

/**
 * An interface or a hostdev has the host's function as the address of its source; the address beside it is
 * the guest's.
 */
function devicesOf(devices: Element | undefined): PciAddress[] {
  const found = (devices?.children ?? [])
    .filter(({ name }) => name === "interface" || name === "hostdev")
    .flatMap((device) => [...allOf(device)].filter(({ name }) => name === "source"))
    .flatMap((source) => source.children.filter(({ name }) => name === "address"))
    .flatMap(({ attributes }) => addressOf(attributes) ?? []);
  return [...new Set(found)];
}

/**
 * Numbers as libvirt reads them: 0x stands before hexadecimal ones. Source: libvirt src/conf/device_conf.c,
 * virPCIDeviceAddressParseXML().
 */
function addressOf(attributes: ReadonlyMap<string, string>): PciAddress | null {
  const hex = (name: string, digits: number) => {
    const value = attributes.get(name) ?? (name === "domain" ? "0" : "");
    return /^(?:0x[0-9a-f]{1,8}|\d{1,8})$/i.test(value)
      ? Number(value).toString(16).padStart(digits, "0")
      : "?";
  };
  return parsePciAddress(`${hex("domain", 4)}:${hex("bus", 2)}:${hex("slot", 2)}.${hex("function", 1)}`);
}

function textOf(element: Element | undefined): string | null {
  const text = element?.text.trim() ?? "";
  return text === "" ? null : text;
}
