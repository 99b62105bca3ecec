import type { Unit } from "../../state/installation.ts";
import { known } from "../../state/observed.ts";
import { Refusal, type World } from "../world.ts";
import { noteWritten } from "./platform.ts";

/** Files that vflag owns, and systemd's units. */

const unitFolder = /^\/(?:etc|usr\/lib)\/systemd\/system\/([^/]+\.(?:service|timer))$/;

export function writeFile(world: World, path: string, text: string): void {
  const files = known(world.state.files);
  if (files === undefined) throw new Refusal("EIO", `write ${path}: the files of this host are not known`);
  const file = files.find((candidate) => candidate.path === path);
  if (file === undefined) files.push({ path, text, mode: 0o644 });
  else file.text = text;
  noteWritten(world, path);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const unit = unitFolder.exec(path)?.[1];
  if (unit !== undefined && unitOf(world, unit) === undefined)
    known(world.state.units)?.push({
      name: unit,
      path,
      enabled: "disabled",
      active: "inactive",
      result: "success",
    });
}

export function removeFile(world: World, path: string): void {
  const files = known(world.state.files);
  if (files !== undefined) world.state.files = files.filter((file) => file.path !== path);
  const unit = unitFolder.exec(path)?.[1];
  const units = known(world.state.units);
  if (unit !== undefined && units !== undefined)
    world.state.units = units.filter(({ name }) => name !== unit);
}

/** Source: systemctl(1): enabling a unit that has no file fails. */
export function setEnabled(world: World, name: string, on: boolean): void {
  const unit = unitOf(world, name);
  if (unit !== undefined) unit.enabled = on ? "enabled" : "disabled";
  else if (on)
    throw new Refusal(
      "ENOENT",
      `systemctl enable ${name}: Failed to enable unit: Unit file ${name} does not exist.`,
    );
}

function unitOf(world: World, name: string): Unit | undefined {
  return known(world.state.units)?.find((unit) => unit.name === name);
}
