import { word } from "../../host/actions/command.ts";
import { plainText } from "../../host/plain-text.ts";
import type { Creation, Finding } from "../../openstack/guests/creation.ts";
import type { Port } from "../../openstack/guests/ports.ts";
import type { Server } from "../../openstack/guests/servers.ts";
import type { Style } from "../terminal/style.ts";

/** A command as a person would type it, one line. */
export function commandLineText(command: readonly string[]): string {
  return `${command.map((part) => (/^--?[a-z][a-z-]*$/.test(part) ? part : word(part))).join(" ")}\n`;
}

/** What became of a port. */
export function portText(creation: Creation<Port>, style: Style): string {
  const { name, thing, findings } = creation;
  const lines = [
    `${outcomeWord(creation, style)}  port ${name}${thing === null ? "" : ` (${plainText(thing.id)})`}`,
  ];
  if (thing !== null) lines.push(`  ${plainText(bindingText(thing))}`);
  return [...lines, ...findings.flatMap((one) => findingLines(one, style))]
    .map((line) => `${line}\n`)
    .join("");
}

/** What became of a server, and of the ports that were given to it. */
export function serverText(
  creation: Creation<{ readonly server: Server; readonly ports: readonly Port[] }>,
  style: Style,
): string {
  const { name, thing, findings } = creation;
  const server = thing?.server;
  const host = server?.["OS-EXT-SRV-ATTR:host"] ?? null;
  const status =
    server === undefined
      ? ""
      : ` (${server.id}): ${server.status ?? "status unknown"}${host === null ? "" : ` on ${host}`}`;
  const lines = [`${outcomeWord(creation, style)}  ${plainText(`server ${name}${status}`)}`];
  for (const port of thing?.ports ?? [])
    lines.push(`  ${plainText(`port ${port.name || port.id}: ${bindingText(port)}`)}`);
  return [...lines, ...findings.flatMap((one) => findingLines(one, style))]
    .map((line) => `${line}\n`)
    .join("");
}

function bindingText(port: Port): string {
  const host =
    port.binding_host_id === null || port.binding_host_id === "" ? "" : ` on ${port.binding_host_id}`;
  const details =
    Object.keys(port.binding_vif_details ?? {}).length === 0
      ? ""
      : `, vif_details ${JSON.stringify(port.binding_vif_details)}`;
  const profile = port.binding_profile === null ? "" : `, profile ${JSON.stringify(port.binding_profile)}`;
  return (
    `vif_type ${port.binding_vif_type ?? "not to be seen"}${host}, status ` +
    `${port.status ?? "unknown"}${profile}${details}`
  );
}

function outcomeWord({ outcome }: Creation<unknown>, style: Style): string {
  if (outcome === "created" || outcome === "kept" || outcome === "planned")
    return style.good(outcome.padEnd(8));
  return style.bad(outcome.padEnd(8));
}

function findingLines({ kind, text, next }: Finding, style: Style): string[] {
  const paint = { wrong: style.bad, doubtful: style.doubtful, note: style.faint }[kind];
  return [
    `${paint(kind.padEnd(8))}  ${plainText(text)}`,
    ...next.map((step) => `${" ".repeat(10)}next: ${plainText(step)}`),
  ];
}
