import { stateLimits } from "../../src/host/schema/state-limits.ts";

/** What a host may say that wants to stop, hide or deceive who reads it. */
export interface HostileAnswer {
  readonly name: string;
  readonly text: string;
  /** Whether it is no state at all, or one that is taken as it is. */
  readonly refused: boolean;
}

/** @param fine what a host says with which nothing is wrong: `vflag/host/1` */
export function hostileAnswers(fine: string): HostileAnswer[] {
  const report = JSON.parse(fine);
  const { state } = report;
  const [pf] = state.pfs;
  const withState = (more: object) => JSON.stringify({ ...report, state: { ...state, ...more } });
  const withSpec = (text: string) =>
    JSON.stringify({ ...report, spec: { file: "/etc/vflag/vflag.yaml", text } });
  const many = (length: number, item: (index: number) => unknown) =>
    Array.from({ length }, (_, index) => item(index));
  const netdev = (index: number) => ({ ...state.netdevs[0], name: `n${index}`, index: index + 1000 });
  const address = (index: number) =>
    `0000:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 0x1f).toString(16).padStart(2, "0")}.${(index >> 5) & 7}`;
  const line = (index: number) => ({
    seconds: index,
    level: 3,
    device: pf.address,
    text: `mlx5_core ${pf.address}: ${"x".repeat(60)} ${index}`,
  });
  const refused = [
    ["nothing", ""],
    ["no JSON", "x".repeat(100_000)],
    ["half of it", fine.slice(0, fine.length / 2)],
    ["bytes", `{"schema":"vflag/host/1","spec":null,"state":"${"x".repeat(stateLimits.bytes)}"}`],
    ["values", `{"schema":"vflag/state/1","netdevs":[${"0,".repeat(stateLimits.values)}0]}`],
    ["lists within lists", `{"schema":"vflag/state/1","netdevs":${"[".repeat(1_000_000)}`],
    ["a short one of lists within lists", `{"schema":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
    ["keys", `{"schema":"vflag/state/1",${many(100_000, (index) => `"k${index}":0`).join(",")}}`],
    ["a text", withState({ kernel: "x".repeat(stateLimits.text + 1) })],
    ["problems", withState({ netdevs: many(50_000, () => ({ name: 5 })) })],
    ["a key of the language", `${fine.slice(0, -1)},"__proto__":{"schema":"vflag/state/1"}}`],
    ["lines of a log", withState({ kernelLog: { ...state.kernelLog, lines: many(20_000, line) } })],
    ["another schema", '{"schema":"vflag/state/99"}'],
    ["a time that is none", withState({ observedAt: "9999-99-99T00:00:00Z" })],
  ] as const;
  const taken = [
    [
      "a spec of a billion laughs",
      withSpec(
        `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(9)}]\n`).join("")}`,
      ),
    ],
    ["a spec of 100 KiB", withSpec(`# ${"x".repeat(100_000)}\n`)],
    ["a spec that ends the page", withSpec("</script><script>document.title='owned'</script>\u001b[2J")],
    ["a clock in the far future", withState({ observedAt: "9998-01-01T00:00:00.000Z" })],
    ["a clock in the past", withState({ observedAt: "1970-01-01T00:00:00.000Z" })],
    ["12,000 netdevs", withState({ netdevs: [...state.netdevs, ...many(12_000, netdev)] })],
    [
      "4,000 VFs of a port",
      withState({
        pfs: [
          { ...pf, vfs: many(4_000, (index) => ({ ...pf.vfs[0], index, address: address(index) })) },
          ...state.pfs.slice(1),
        ],
      }),
    ],
    ["4,096 lines of a log", withState({ kernelLog: { ...state.kernelLog, lines: many(4096, line) } })],
    [
      "texts of 200 kB",
      withState({ hostname: "h".repeat(200_000), kernel: `6.1.0\u001b]0;owned\u0007${"k".repeat(200_000)}` }),
    ],
    ["text that draws", withState({ hostname: "\u001b[8m\u202eAll is well\u0085\n" })],
  ] as const;
  return [
    ...refused.map(([name, text]) => ({ name, text, refused: true })),
    ...taken.map(([name, text]) => ({ name, text, refused: false })),
  ];
}
