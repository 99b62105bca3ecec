import { ProgramError, type ProgramResult, type RunProgram } from "../../src/host/linux/system/program.ts";

/**
 * Cards whose firmware answers mstconfig (or mlxconfig) in the words of the real program: query, set with
 * validation, what is set kept for the next boot, and a boot that loads it. Source of the words and widths:
 * mstflint mlxconfig/mlxcfg_ui.cpp, mlxcfg_parser.cpp and mlxcfg_generic_commander.cpp.
 */

/** How wide the table is: names and values are padded to these, with this before a name. */
export interface Layout {
  readonly readOnlyMark: boolean;
  readonly name: number;
  readonly value: number;
  /** How wide a value must be to be followed by a space. */
  readonly spaceFrom: number;
  /** The header has its own widths. */
  readonly header: (columns: readonly string[]) => string;
}

const padded = (first: number, next: number, boot: number) => (columns: readonly string[]) =>
  `Configurations:${columns.map((column, index) => column.padStart(index === 0 ? first : column === "Next Boot" ? boot : next)).join("")}`;

/**
 * `narrow`: up to 4.21, which Debian 12 has. `wide`: the first that marks read-only rows. `even`: the newest
 * seen; its value width is a guess.
 */
export const layouts = {
  narrow: { readOnlyMark: false, name: 36, value: 16, spaceFrom: 17, header: padded(37, 16, 18) },
  wide: { readOnlyMark: true, name: 44, value: 20, spaceFrom: 20, header: padded(49, 20, 18) },
  even: {
    readOnlyMark: true,
    name: 48,
    value: 20,
    spaceFrom: 20,
    header: (columns) =>
      `${"Configurations:".padEnd(56)}${columns.map((column) => column.padEnd(20)).join(" ")}`,
  },
} satisfies Record<string, Layout>;

/** A value in the program's words: `True(1)`, `8`, `N/A`. */
export interface Row {
  readonly name: string;
  readonly default: string;
  current: string;
  next: string;
  readonly readOnly?: boolean;
}

export interface Table {
  readonly layout: Layout;
  readonly columns?: readonly ("Default" | "Current" | "Next Boot")[];
  readonly device: string;
  readonly type?: string;
  readonly rows: readonly Row[];
}

/** What a query prints. */
export function queryText({
  layout,
  columns = ["Default", "Current", "Next Boot"],
  device,
  type = "ConnectX5",
  rows,
}: Table): string {
  const head = [
    "",
    "Device #1:",
    "----------",
    "",
    `${"Device type:".padEnd(16)}${type.padEnd(16)}`,
    `${"Name:".padEnd(16)}MCX556A-ECA_Ax  `,
    `${"Description:".padEnd(16)}ConnectX-5 VPI adapter card; EDR IB (100Gb/s) and 100GbE; dual-port QSFP28; PCIe3.0 x16; tall bracket; ROHS R6`,
    `${"Device:".padEnd(16)}${device.padEnd(16)}`,
    "",
    layout.header(columns),
  ];
  const changed = rows.filter((row) => differs(row, columns));
  const notes = [
    ...(changed.length > 0
      ? ["The '*' shows parameters with next value different from default/current value."]
      : []),
    ...(rows.some(({ readOnly }) => readOnly === true && layout.readOnlyMark)
      ? ["", "The 'RO' shows parameters which are for read only and cannot be changed"]
      : []),
    ...(columns.includes("Current")
      ? []
      : ["Device Firmware does not support reading current configurations"]),
  ];
  return `${[...head, ...rows.map((row) => rowText(row, layout, columns)), ...notes].join("\n")}\n`;
}

function rowText(row: Row, layout: Layout, columns: readonly string[]): string {
  const mark = differs(row, columns) ? "*" : " ";
  const before = layout.readOnlyMark
    ? `${mark}${row.readOnly === true ? "RO" : "  "}     `
    : `${mark}        `;
  const values = columns.map((column) =>
    column === "Default" ? row.default : column === "Current" ? row.current : row.next,
  );
  const cells = values.map((value, index) => {
    const cell = value.padEnd(layout.value);
    return index < values.length - 1 && cell.length >= layout.spaceFrom ? `${cell} ` : cell;
  });
  return `${before}${row.name.padEnd(layout.name)}${cells.join("")}`;
}

function differs(row: Row, columns: readonly string[]): boolean {
  return (
    (columns.includes("Default") && row.next !== row.default) ||
    (columns.includes("Current") && row.next !== row.current)
  );
}

/**
 * What a card accepts: for each setting the program's words by the number that stands for them, or the
 * largest number.
 */
const accepted: Readonly<Record<string, readonly string[] | number>> = {
  SRIOV_EN: ["False", "True"],
  NUM_OF_VFS: 127,
  LINK_TYPE_P1: ["", "IB", "ETH"],
  LINK_TYPE_P2: ["", "IB", "ETH"],
};

/** Cards by PCI address, and the program that asks them. */
export class FakeCards {
  readonly cards: ReadonlyMap<string, Row[]>;
  readonly program: "mstconfig" | "mlxconfig";
  layout: Layout = layouts.narrow;
  /** Every command line of such programs, in order. */
  readonly asked: string[] = [];
  /** What the program says instead of opening a card: lines for stderr, and for stdout. */
  fails: { readonly stderr: string; readonly stdout: string } | null = null;
  /**
   * What the program says, and exits with 3, when it could not read some groups of settings: the table of the
   * others is printed all the same.
   */
  partly: string | null = null;
  /** Sets are taken and forgotten. */
  forgets = false;

  constructor(cards: Readonly<Record<string, Row[]>>, program: "mstconfig" | "mlxconfig" = "mstconfig") {
    this.cards = new Map(Object.entries(cards));
    this.program = program;
  }

  /** A reboot of the host: every card runs with what was set. */
  boot(): void {
    for (const rows of this.cards.values()) for (const row of rows) row.current = row.next;
  }

  readonly run: RunProgram = async (argv) => {
    const [program = "", ...args] = argv;
    if (/^(mst|mlx)/.test(program)) this.asked.push(argv.join(" "));
    if (program !== this.program)
      throw new ProgramError("ENOENT", `${argv.join(" ")}: spawn ${program} ENOENT`);
    if (args.join(" ") === "--version") return said(`${program}, mstflint 4.21.0, Git SHA Hash: N/A\n`);
    const [option, address = "", ...rest] = args;
    const rows = option === "-d" ? this.cards.get(address) : undefined;
    if (this.fails !== null) return { ...this.fails, code: 3 };
    if (rows === undefined) return failed("Failed to open the device");
    if (rest.join(" ") === "-e query") {
      const stdout = queryText({ layout: this.layout, device: address, rows });
      return this.partly === null ? said(stdout) : { stdout: `${stdout}${this.partly}`, stderr: "", code: 3 };
    }
    if (rest[0] === "-y" && rest[1] === "set") return this.#set(address, rows, rest.slice(2));
    return failed(`invalid argument: ${rest[0]}`);
  };

  #set(address: string, rows: Row[], settings: readonly string[]): ProgramResult {
    const changes: { row: Row; value: string }[] = [];
    for (const setting of settings) {
      const [name = "", value = ""] = setting.split("=");
      const known = accepted[name];
      if (known === undefined) return failed(`Unknown Parameter: ${name}`);
      const row = rows.find((candidate) => candidate.name === name);
      if (row === undefined) return failed(`The Device doesn't support ${name} parameter`);
      const number = Number(value);
      if (!/^\d+$/.test(value)) return failed(`Failed to parse ${setting}`);
      const word = typeof known === "number" ? (number <= known ? value : "") : (known[number] ?? "");
      if (word === "") return failed(`Failed to set ${name}: ${value} is out of range`);
      changes.push({ row, value: typeof known === "number" ? word : `${word}(${value})` });
    }
    if (!this.forgets) for (const { row, value } of changes) row.next = value;
    const table = queryText({
      layout: this.layout,
      columns: ["Next Boot"],
      device: address,
      rows: changes.map(({ row }) => row),
    });
    return said(
      `${table}\n Apply new Configuration? (y/n) [n] : y\nApplying... Done!\n-I- Please reboot machine to load new configurations.\n`,
    );
  }
}

/**
 * The rows that a two-port VPI card of Debian's mstconfig has, among many others, with the longest of its
 * names.
 */
export function cardRows(vfs: number, enabled = true): Row[] {
  const row = (name: string, value: string, more: Partial<Row> = {}): Row => ({
    name,
    default: value,
    current: value,
    next: value,
    ...more,
  });
  return [
    row("MEMIC_SIZE_LIMIT", "_256KB(1)"),
    row("HOST_CHAINING_DESCRIPTORS", "Array[0..7]"),
    row("KEEP_ETH_LINK_UP_ON_STANDBY_AND_BOOT_P1", "False(0)"),
    row("PHY_FEC_OVERRIDE_P1", "DEVICE_DEFAULT(0)"),
    row("ROCE_CONTROL", "ROCE_ENABLE(2)", { current: "DEVICE_DEFAULT(0)" }),
    row("PF_NUM_OF_VFS", "99"),
    row("NUM_OF_VFS_P1", "98"),
    row("SRIOV_IB_ROUTING_MODE_P1", "LID(1)"),
    row("LINK_TYPE_P1", "ETH(2)", { default: "IB(1)" }),
    row("LINK_TYPE_P2", "ETH(2)", { default: "IB(1)" }),
    row("SRIOV_EN", enabled ? "True(1)" : "False(0)", { default: "False(0)" }),
    row("NUM_OF_VFS", String(vfs), { default: "8" }),
  ];
}

function said(stdout: string): ProgramResult {
  return { stdout, stderr: "", code: 0 };
}

/** The program prints its errors on stdout. */
function failed(words: string): ProgramResult {
  return { stdout: `-E- ${words}\n`, stderr: "", code: 3 };
}
