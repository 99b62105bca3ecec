import assert from "node:assert/strict";
import { test } from "node:test";
import { readIni } from "../../../src/openstack/files/ini.ts";
import { filterEdits } from "../../../src/openstack/nova/nova-filters.ts";
import type { Release } from "../../../src/openstack/releases.ts";

const notes = (filters: string, release: Release) =>
  filterEdits(readIni(`[filter_scheduler]\nenabled_filters = ${filters}\n`), release).notes.filter((note) =>
    note.includes("not there any more"),
  );

test("a filter that Nova has no more is named from the release on that lost it, and no other word is one", () => {
  assert.deepEqual(notes("RetryFilter", "train"), []);
  assert.match(notes("RetryFilter", "ussuri").join(), /^RetryFilter is not there any more from Ussuri on/);
  assert.deepEqual(notes("AvailabilityZoneFilter", "2023.1"), []);
  assert.match(notes("AvailabilityZoneFilter", "2023.2").join(), /from 2023\.2 on/);
  assert.deepEqual(notes("constructor,toString,ComputeFilter", "2026.2"), []);
});
