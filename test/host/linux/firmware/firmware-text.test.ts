import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { canonicalValue, settingArguments } from "../../../../src/host/actions/firmware-settings.ts";
import {
  firmwareErrorOf,
  parseFirmwareQuery,
  parseFirmwareToolVersion,
} from "../../../../src/host/linux/firmware/firmware-text.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { cardRows, layouts, queryText, type Row } from "../../../support/fake-card.ts";

const parameter = (value: string | null, current = value, next = current, readOnly = false) => ({
  default: value,
  current,
  next,
  readOnly,
});

/**
 * Printed by mlxconfig 4.2x for a ConnectX-6 Lx, shortened; the rows that matter are added as that version
 * prints them.
 */
const connectX6Lx = `
Device #1:
----------

Device type:        ConnectX6LX         
Name:               MCX631102AC-ADA_Ax  
Description:        ConnectX-6 Lx EN adapter card; 25GbE ; Dual-port SFP28; PCIe 4.0 x8; Crypto and Secure Boot
Device:             0108:00:00.0        

Configurations:                                          Default             Current         Next Boot
        LARGE_MTU_TWEAK_64                          False(0)             False(0)             False(0)            
        PCI_ATOMIC_MODE                             PCI_ATOMIC_DISABLED_EXT_ATOMIC_ENABLED(0) PCI_ATOMIC_DISABLED_EXT_ATOMIC_ENABLED(0) PCI_ATOMIC_DISABLED_EXT_ATOMIC_ENABLED(0)
*       NUM_OF_VFS                                  8                    8                    16                  
 RO     SRIOV_EN                                    False(0)             True(1)              True(1)             
        PORT_OWNER                                  True(1)              True(1)              True(1)             
The '*' shows parameters with next value different from default/current value.

The 'RO' shows parameters which are for read only and cannot be changed
`;

/** Printed by mstconfig 4.13 for a ConnectX-5: values one space apart, and marked rows. */
const connectX5 = `
Device #1:
----------

Device type:    ConnectX5       
Name:           MCX556A-ECA_Ax  
Description:    ConnectX-5 VPI adapter card; EDR IB (100Gb/s) and 100GbE; dual-port QSFP28; PCIe3.0 x16; tall bracket; ROHS R6
Device:         0000:02:00.1    

Configurations:                              Default         Current         Next Boot
         MEMIC_BAR_SIZE                      0               0               0               
         MEMIC_SIZE_LIMIT                    _256KB(1)       _256KB(1)       _256KB(1)       
         HOST_CHAINING_DESCRIPTORS           Array[0..7]     Array[0..7]     Array[0..7]     
*        ADVANCED_PCI_SETTINGS               False(0)        True(1)         True(1)         
         PHY_FEC_OVERRIDE_P1                 DEVICE_DEFAULT(0) DEVICE_DEFAULT(0) DEVICE_DEFAULT(0)
         UNKNOWN_UPLINK_MAC_FLOOD_P2         False(0)        False(0)        False(0)        
*        SRIOV_EN                            False(0)        True(1)         True(1)         
         NUM_OF_VFS                          8               8               8               
         LINK_TYPE_P1                        ETH(2)          ETH(2)          ETH(2)          
*        LINK_TYPE_P2                        IB(1)           IB(1)           ETH(2)          
The '*' shows parameters with next value different from default/current value.
`;

/** Printed without -e: the next boot only. */
const nextBootOnly = `
Device #1:
----------

Device type:    ConnectX5
Name:           N/A
Description:    N/A
Device:         0000:37:00.0

Configurations:                                       Next Boot
         SRIOV_EN                            True(1)
         NUM_OF_VFS                          16
`;

describe("what a query prints is told", () => {
  test("by the version with wide columns, read-only rows among them", () => {
    assert.deepEqual(parseFirmwareQuery(connectX6Lx), {
      type: "ConnectX6LX",
      name: "MCX631102AC-ADA_Ax",
      description:
        "ConnectX-6 Lx EN adapter card; 25GbE ; Dual-port SFP28; PCIe 4.0 x8; Crypto and Secure Boot",
      parameters: {
        NUM_OF_VFS: parameter("8", "8", "16"),
        SRIOV_EN: parameter("false", "true", "true", true),
      },
    });
  });

  test("by the version with narrow columns", () => {
    const told = parseFirmwareQuery(connectX5);
    assert.ok(!isUnknown(told));
    assert.deepEqual(told.parameters, {
      SRIOV_EN: parameter("false", "true"),
      NUM_OF_VFS: parameter("8"),
      LINK_TYPE_P1: parameter("ETH"),
      LINK_TYPE_P2: parameter("IB", "IB", "ETH"),
    });
  });

  test("without -e, and without a name", () => {
    assert.deepEqual(parseFirmwareQuery(nextBootOnly), {
      type: "ConnectX5",
      name: null,
      description: null,
      parameters: { SRIOV_EN: parameter(null, null, "true"), NUM_OF_VFS: parameter(null, null, "16") },
    });
  });

  test("of a ConnectX-3, which cannot tell what it runs with", () => {
    const rows = cardRows(16).filter(({ name }) => name === "SRIOV_EN" || name === "NUM_OF_VFS");
    const text = queryText({
      layout: layouts.narrow,
      columns: ["Default", "Next Boot"],
      device: "0000:37:00.0",
      type: "ConnectX3Pro",
      rows,
    });
    const told = parseFirmwareQuery(text);
    assert.ok(!isUnknown(told));
    assert.deepEqual(told.parameters, {
      SRIOV_EN: parameter("false", null, "true"),
      NUM_OF_VFS: parameter("8", null, "16"),
    });
  });

  for (const [kind, layout] of Object.entries(layouts)) {
    test(`whatever stands beside it, in the ${kind} layout`, () => {
      const value = fc.oneof(
        fc.integer({ min: 0, max: 0xffffffff }).map(String),
        fc.constantFrom("True(1)", "False(0)", "ETH(2)", "IB(1)", "N/A", "Array[0..7]"),
        // From shorter than the column to longer than it: what is as wide as the column touches what follows.
        fc.integer({ min: 1, max: 40 }).map((length) => `${"X".repeat(length)}(0)`),
      );
      const near = fc.oneof(
        fc.constantFrom(
          "PF_NUM_OF_VFS",
          "NUM_OF_VFS_P1",
          "NUM_OF_VF",
          "SRIOV_EN2",
          "X_SRIOV_EN",
          "LINK_TYPE_P3",
          "NUM_OF_VFS[0]",
        ),
        fc.integer({ min: 1, max: 60 }).map((length) => "N".repeat(length)),
      );
      const row = (name: fc.Arbitrary<string>) =>
        fc.record({
          name,
          default: value,
          current: value,
          next: value,
          readOnly: layout.readOnlyMark ? fc.boolean() : fc.constant(false),
        });
      const table = fc.record({
        rows: fc.tuple(row(fc.constant("SRIOV_EN")), row(fc.constant("NUM_OF_VFS"))),
        others: fc.array(row(near), { maxLength: 8 }),
        at: fc.nat(8),
      });
      fc.assert(
        fc.property(table, ({ rows, others, at }) => {
          const all: Row[] = [...others.slice(0, at), ...rows, ...others.slice(at)];
          const told = parseFirmwareQuery(queryText({ layout, device: "0000:37:00.0", rows: all }));
          assert.ok(!isUnknown(told), JSON.stringify(told));
          const expected = rows.map(({ name, readOnly, ...values }) => [
            name,
            {
              ...Object.fromEntries(
                Object.entries(values).map(([key, shown]) => [key, canonicalValue(shown)]),
              ),
              readOnly,
            },
          ]);
          assert.deepEqual(told.parameters, Object.fromEntries(expected));
        }),
        { numRuns: 500 },
      );
    });
  }
});

describe("what is not understood is unknown, with the line", () => {
  const rows: readonly [what: string, text: string, said: RegExp][] = [
    ["nothing", "", /no device/],
    ["two devices", `${connectX5}${connectX5}`, /2 devices in one answer/],
    ["no table", connectX5.slice(0, connectX5.indexOf("Configurations")), /no line "Configurations:"/],
    ["an unknown column", connectX5.replace("Current  ", "Running  "), /Default\s+Running\s+Next Boot/],
    ["a column twice", connectX5.replace("Current  ", "Default  "), /Default\s+Default\s+Next Boot/],
    [
      "the oldest version, with one column Current",
      nextBootOnly.replace("Next Boot", "Current"),
      /Configurations:\s+Current/,
    ],
    ["a value too few", connectX5.replace(/(NUM_OF_VFS +8 +8 +)8/, "$1"), /NUM_OF_VFS +8 +8$/],
    ["a value too many", connectX5.replace(/(NUM_OF_VFS +8 +8 +8)/, "$1 9"), /NUM_OF_VFS +8 +8 +8 +9$/],
    [
      "a row twice",
      connectX5.replace(/^.*NUM_OF_VFS.*$/m, (line) => `${line}\n${line}`),
      /NUM_OF_VFS +8 +8 +8$/,
    ],
  ];
  for (const [what, text, said] of rows) {
    test(what, () => {
      const told = parseFirmwareQuery(text);
      assert.ok(isUnknown(told), JSON.stringify(told));
      assert.match(told.unknown, /^not understood: /);
      assert.match(told.unknown, said);
    });
  }
});

test("the version is told by both programs", () => {
  assert.equal(parseFirmwareToolVersion("mstconfig, mstflint 4.21.0, Git SHA Hash: N/A\n"), "4.21.0");
  assert.equal(
    parseFirmwareToolVersion(
      "mstconfig, mstflint 4.15.0, built on Nov 16 2020, 18:12:47. Git SHA Hash: N/A\n",
    ),
    "4.15.0",
  );
  assert.equal(
    parseFirmwareToolVersion("mlxconfig, mft 4.26.1-3, built on Nov 27 2023, 15:24:39. Git SHA Hash: N/A\n"),
    "4.26.1-3",
  );
  assert.equal(parseFirmwareToolVersion("something else\n"), null);
});

test("an error is told in the program's own words, with what failed underneath", () => {
  assert.equal(
    firmwareErrorOf("-E- Failed to open the device\n", "write counter to semaphore: Permission denied\n"),
    "write counter to semaphore: Permission denied; -E- Failed to open the device",
  );
  const failed =
    "-E- Failed to query some of the TLVs:\n    Failed to query the current values of the following TLVs:\n    nv_vpi \n";
  assert.equal(
    firmwareErrorOf(`${connectX5}${failed}`, ""),
    "-E- Failed to query some of the TLVs:; Failed to query the current values of the following TLVs:; nv_vpi",
  );
  assert.equal(firmwareErrorOf("", ""), "it said nothing");
  assert.ok(firmwareErrorOf("x".repeat(10_000), "").length < 400);
});

test("values are told in one form", () => {
  const values = {
    "True(1)": "true",
    "False(0)": "false",
    "ETH(2)": "ETH",
    "_256KB(1)": "_256KB",
    "8": "8",
    "Array[0..7]": "Array[0..7]",
  };
  for (const [shown, canonical] of Object.entries(values)) assert.equal(canonicalValue(shown), canonical);
  assert.equal(canonicalValue("N/A"), null);
});

test("settings are written as numbers, and only values of their parameter", () => {
  assert.deepEqual(settingArguments({ LINK_TYPE_P2: "ETH", NUM_OF_VFS: "16", SRIOV_EN: "true" }), [
    "SRIOV_EN=1",
    "NUM_OF_VFS=16",
    "LINK_TYPE_P2=2",
  ]);
  for (const wrong of [
    { NUM_OF_VFS: "16 -y reset" },
    { SRIOV_EN: "16" },
    { LINK_TYPE_P1: "__proto__" },
    { NUM_OF_VFS: "-1" },
  ]) {
    assert.throws(() => settingArguments(wrong), /is no value of/);
  }
});
