import { anyOf } from "../../host/any-of.ts";
import { isNetdevName } from "../../host/state/values.ts";
import { valueText } from "../../host/value-text.ts";
import { NicSpec } from "../../spec/schema.ts";

/**
 * The inventory variable `sriov_physnet_mappings`: which network a port is on, as device: physnet.
 * Kolla-Ansible's own `neutron_sriov_physnet_mappings` is physnet: device, and there are trees that use this
 * name so too. Which one a value is can be seen of its names in most cases; in all others nobody is to guess.
 * Source: kolla-ansible, ansible/group_vars/all.yml, neutron_sriov_physnet_mappings.
 */
export type ReadPhysnets = { readonly physnets: readonly DevicePhysnet[] } | { readonly problem: string };

export interface DevicePhysnet {
  readonly device: string;
  readonly physnet: string;
}

/**
 * Reads a value of the variable.
 * @param interfaces the names that interfaces have on the host; `null` where its state is not known
 */
export function readPhysnets(value: unknown, interfaces: ReadonlySet<string> | null): ReadPhysnets {
  if (typeof value === "string" && value.includes("{{"))
    return {
      problem:
        `it is a Jinja expression (${shown(value)}), which ansible-inventory does not resolve: ` +
        `write it out`,
    };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return {
      problem: `it has to be a mapping of devices to physnets ("ens3f0: physnet2"), and is ${shown(value)}`,
    };
  const pairs = Object.entries(value);
  const listed = pairs.find(([, one]) => Array.isArray(one));
  if (listed !== undefined)
    return {
      problem:
        `"${listed[0]}: ${shown(listed[1])}" gives a list of devices to a physnet; here it is ` +
        `device: physnet: ${reversed(pairs)}`,
    };
  const other = pairs.find(([, one]) => typeof one !== "string");
  if (other !== undefined)
    return {
      problem: `"${other[0]}: ${shown(other[1])}" is no device and physnet: the physnet has to be a string`,
    };
  return inDirection(
    pairs.map(([device, physnet]) => ({ device, physnet: String(physnet) })),
    interfaces,
  );
}

function inDirection(pairs: readonly DevicePhysnet[], interfaces: ReadonlySet<string> | null): ReadPhysnets {
  const isDevice = (name: string) => interfaces?.has(name) === true || deviceName.test(name);
  const asDevices = pairs.some(({ device, physnet }) => isDevice(device) || looksLikePhysnet(physnet));
  const asPhysnets = pairs.some(({ device, physnet }) => isDevice(physnet) || looksLikePhysnet(device));
  const [first] = pairs;
  if (first === undefined) return { physnets: [] };
  const text = pairs.map(({ device, physnet }): [string, unknown] => [device, physnet]);
  if (asPhysnets && !asDevices)
    return {
      problem:
        `it reads as physnet: device ("${first.device}: ${first.physnet}"), which is the direction ` +
        `of Kolla-Ansible's neutron_sriov_physnet_mappings; sriov_physnet_mappings is device: ` +
        `physnet. If "${first.physnet}" is the device, write ${reversed(text)}`,
    };
  if (asPhysnets === asDevices)
    return {
      problem:
        `which are the devices cannot be told: "${first.device}: ${first.physnet}" is either the device ` +
        `${first.device} on the physnet ${first.physnet}, or the device ${first.physnet} on the physnet ` +
        `${first.device}. Give the host's state (--states), or say it with the variable vflag`,
    };
  const problems = pairs.flatMap(({ device, physnet }) => [...wrongDevice(device), ...wrongPhysnet(physnet)]);
  return problems.length > 0 ? { problem: problems.join("; ") } : { physnets: pairs };
}

/**
 * What is wrong with a device's name, for a list of oslo.config and for a variable, which Ansible takes for a
 * template.
 */
export function wrongDevice(device: string): string[] {
  if (!isNetdevName(device)) return [`"${device}" is no name of a network interface`];
  if (/[,"'\\]|\{[{%#]/.test(device))
    return [`the name ${device} cannot stand in a list of oslo.config, or in a variable of Ansible`];
  return [];
}

function wrongPhysnet(physnet: string): string[] {
  const parsed = NicSpec.shape.physnet.safeParse(physnet);
  return parsed.success ? [] : [`"${physnet}" is no physnet: ${parsed.error.issues[0]?.message ?? ""}`];
}

/**
 * Names that the kernel, systemd's udev or biosdevname give. Source: systemd.net-naming-scheme(7);
 * biosdevname(1).
 */
const deviceName = anyOf(
  /^(?:en|ib)(?:[ops]|P\d+p|x[0-9a-f]{12})[0-9a-z]*$/i,
  /^(?:eth|ib|em|bond|hsn)\d+$/i,
  /^p\d+p\d+(?:_\d+)?$/i,
);

function looksLikePhysnet(name: string): boolean {
  return /physnet/i.test(name);
}

function reversed(pairs: readonly (readonly [string, unknown])[]): string {
  const turned = pairs.flatMap(([physnet, device]) =>
    (Array.isArray(device) ? device : [device]).map((one) => `${valueText(one)}: ${physnet}`),
  );
  return `{${turned.join(", ")}}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
