import { editYaml, type YamlEdit } from "../files/yaml-edit.ts";
import { readYamlTop, type TopEntry, type TopValue, truthOf, type YamlForm } from "../files/yaml-top.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import type { HiddenSetting } from "./tree.ts";

/** A file of variables that is read with others: of each variable the last one counts. */
export interface LayeredFile {
  readonly path: string;
  readonly text: string;
  /** Whether other environments read it too, so that it is left as it is. */
  readonly shared: boolean;
}

/** A change, and the file that it goes to where no file has the variable. */
export interface WantedEdit {
  readonly target: string;
  readonly edit: YamlEdit;
}

/** What a variable is in the end, over all files that are read. */
export function decidedValue(
  files: readonly LayeredFile[],
  key: string,
  form: YamlForm,
): TopValue | undefined {
  return lastSetter(files, key, form)?.entry.value;
}

/**
 * One file's part of some changes. A variable is changed where it counts: in the last file that sets it; a
 * shared file is left alone, and what it says is said again, with the change, in the environment's own.
 * @param hidden what the inventory says of these variables, which these files would hide
 */
export function editLayered(
  path: string,
  files: readonly LayeredFile[],
  wanted: readonly WantedEdit[],
  form: YamlForm,
  hidden: readonly HiddenSetting[],
): Outcome {
  const text = files.find((file) => file.path === path)?.text ?? "";
  const edits: YamlEdit[] = [];
  const conflicts: Conflict[] = [];
  const unreadable = "problem" in readYamlTop(text, form);
  for (const { target, edit } of wanted) {
    const found = placeOf(files, target, edit, form, hidden);
    if (unreadable && path !== target && text.includes(edit.key)) edits.push(edit);
    else if ("conflict" in found) conflicts.push(...(path === target ? [found.conflict] : []));
    else if (found.path === path && found.edit !== null) edits.push(found.edit);
  }
  const made = edits.length === 0 ? outcome(text, () => text, [], []) : editYaml(text, edits, form);
  return conflicts.length === 0
    ? made
    : { text, notes: made.notes, conflicts: [...made.conflicts, ...conflicts] };
}

type Place = { readonly path: string; readonly edit: YamlEdit | null } | { readonly conflict: Conflict };

function placeOf(
  files: readonly LayeredFile[],
  target: string,
  edit: YamlEdit,
  form: YamlForm,
  hidden: readonly HiddenSetting[],
): Place {
  const last = lastSetter(files, edit.key, form);
  if (last === undefined) {
    const beneath = hidden.filter(
      ({ key, value }) => key === edit.key && value !== null && !agrees(value, edit),
    );
    return beneath[0] === undefined ? { path: target, edit } : { conflict: hides(beneath[0], edit) };
  }
  if (!last.file.shared) return { path: last.file.path, edit };
  const there = editYaml(last.file.text, [edit], form);
  if (there.conflicts.length === 0 && there.text === last.file.text) return { path: target, edit: null };
  if (edit.kind === "set") return { path: target, edit };
  const items = last.entry.value.kind === "nothing" ? [] : listOf(last.entry.value);
  const line = last.entry.line;
  if (items !== null) {
    const missing = edit.items.filter((item) => !items.includes(item));
    return { path: target, edit: { ...edit, first: items, items: missing } };
  }
  const why =
    `${last.file.path}:${line}: ${edit.key} is not written out there, so it cannot be said ` +
    `again for this environment: add them by hand`;
  return {
    conflict: { line: null, there: `${edit.key} of ${last.file.path}`, wanted: wantedText(edit), why },
  };
}

function lastSetter(
  files: readonly LayeredFile[],
  key: string,
  form: YamlForm,
): { file: LayeredFile; entry: TopEntry } | undefined {
  const found = files.flatMap((file) => {
    // Most files have nothing to do with it.
    if (!file.text.includes(key)) return [];
    const top = readYamlTop(file.text, form);
    const entry = "problem" in top ? undefined : top.entries.findLast((one) => one.key === key);
    return entry === undefined ? [] : [{ file, entry }];
  });
  return found.at(-1);
}

function listOf(value: TopValue): string[] | null {
  if (value.kind !== "list") return null;
  const items = value.items.map(({ text }) => text);
  return items.every((text) => text !== null && !text.includes("{{"))
    ? items.filter((text) => text !== null)
    : null;
}

/** Whether the inventory says what is wanted already, so that nothing of its is lost. */
function agrees(value: unknown, edit: YamlEdit): boolean {
  if (edit.kind === "set")
    return typeof value === "string" && truthOf(value) === truthOf(edit.value.replaceAll(/["']/g, ""));
  return edit.first === null && Array.isArray(value) && edit.items.every((item) => value.includes(item));
}

function hides({ place }: HiddenSetting, edit: YamlEdit): Conflict {
  const why =
    `${place} sets ${edit.key} in the inventory, which an extra variable would hide: move it ` +
    `into a file of extra variables, or add what is wanted there`;
  return { line: null, there: `${edit.key} of ${place}`, wanted: wantedText(edit), why };
}

function wantedText(edit: YamlEdit): string {
  return edit.kind === "set" ? `${edit.key}: ${edit.value}` : `${edit.items.join(", ")} in ${edit.key}`;
}
