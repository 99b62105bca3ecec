import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFirmwareJson } from "../../../../src/host/linux/firmware/firmware-json.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";

const sriov = {
  current_value: "True(1)",
  default_value: "False(0)",
  modified: true,
  next_value: "True(1)",
  read_only: false,
};
const vfs = { current_value: 16, default_value: 8, modified: true, next_value: 32, read_only: false };
const device = {
  description: "a card",
  device: "/dev/mst/mt4129_pciconf0",
  device_type: "ConnectX7",
  name: "N/A",
  tlv_configuration: { SRIOV_EN: sriov, NUM_OF_VFS: vfs, SOMETHING_ELSE: { odd: true } },
};
const query = (one: unknown) => `Querying...\n${JSON.stringify({ "Device #1": one }, null, 4)}\n`;

test("the JSON of a query says the same as its table", () => {
  assert.deepEqual(parseFirmwareJson(query(device)), {
    type: "ConnectX7",
    name: null,
    description: "a card",
    parameters: {
      SRIOV_EN: { default: "false", current: "true", next: "true", readOnly: false },
      NUM_OF_VFS: { default: "8", current: "16", next: "32", readOnly: false },
    },
  });
});

for (const [what, text] of [
  ["no JSON", "-E- nothing"],
  ["half of it", query(device).slice(0, 200)],
  ["two devices", JSON.stringify({ "Device #1": device, "Device #2": device })],
  ["no next value", query({ ...device, tlv_configuration: { NUM_OF_VFS: { ...vfs, next_value: null } } })],
  [
    "a value of another kind",
    query({ ...device, tlv_configuration: { NUM_OF_VFS: { ...vfs, next_value: [16] } } }),
  ],
  ["no table", query({ ...device, tlv_configuration: 7 })],
] as const) {
  test(`${what} is not understood`, () => assert.ok(isUnknown(parseFirmwareJson(text))));
}
