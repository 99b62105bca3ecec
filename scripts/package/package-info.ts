import { readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../src/cli/version.ts";

/** What both formats say of the package. */
export interface PackageInfo {
  /** As npm has it: 1.2.3 or 1.2.3-rc.1. */
  readonly version: string;
  /**
   * When what is packaged was last changed, in seconds: no file in the package is newer
   * (https://reproducible-builds.org).
   */
  readonly epoch: number;
  readonly architecture: Architecture;
}

/** The names of one architecture. */
export interface Architecture {
  readonly deb: string;
  readonly rpm: string;
}

export const maintainer = "vflag maintainers <maintainers@vflag.invalid>";
export const summary = "SR-IOV, switchdev and VF-LAG on OpenStack hypervisors";
export const description = [
  "vflag takes a hypervisor from bare network cards to hardware-offloaded,",
  "fault-tolerant virtual functions, and proves that they work: one declared",
  "spec, one exact plan, one boot sequence that cannot strand a host, one",
  "verdict per NIC with the reason named. It speaks rtnetlink, devlink and",
  "ethtool to the kernel itself.",
];

const architectures: Readonly<Record<string, Architecture>> = {
  x64: { deb: "amd64", rpm: "x86_64" },
  arm64: { deb: "arm64", rpm: "aarch64" },
};

/** This tree's package on this machine. @param epoch from `sourceDateEpoch` */
export function packageInfo(epoch: number): PackageInfo {
  const architecture = architectures[process.arch];
  if (architecture === undefined)
    throw new Error(
      `vflag is not packaged for ${process.arch}, only for ${Object.keys(architectures).join(" and ")}`,
    );
  return { version, epoch, architecture };
}

/** The version in the packages: what comes before 1.2.3, such as 1.2.3-rc.1, is 1.2.3~rc.1 there. */
export function packageVersion({ version: of }: PackageInfo): string {
  return of.replace("-", "~").replaceAll("-", ".");
}

/** YYYY-MM-DD. */
export function dateOf({ epoch }: PackageInfo): string {
  return new Date(epoch * 1000).toISOString().slice(0, 10);
}

/** One version in CHANGELOG.md. */
export interface Release {
  readonly version: string;
  /** Seconds. */
  readonly date: number;
  readonly changes: readonly string[];
}

/** CHANGELOG.md, newest first. A release whose date is not written down there is of `epoch`. */
export function releases(text: string, epoch: number): Release[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [heading = "", ...lines] = part.split("\n");
      const [, number = "", date = ""] = /^(\S+)(?: \((.*)\))?/.exec(heading) ?? [];
      const written = Date.parse(`${date}T12:00:00Z`) / 1000;
      const changes = lines
        .join("\n")
        .split(/^- /m)
        .map((change) => change.replaceAll(/\s+/g, " ").trim())
        .filter((change) => change !== "");
      return { version: number, date: Number.isNaN(written) ? epoch : written, changes };
    });
}

/** This tree's CHANGELOG.md. */
export function changelog(epoch: number): Release[] {
  return releases(readFileSync(join(import.meta.dirname, "../../CHANGELOG.md"), "utf8"), epoch);
}
