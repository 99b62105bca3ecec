/**
 * What each room of `src/` may import besides itself (DESIGN 2): imports go one way, downwards. `host` is its
 * data, `linux` and `twin` the hosts.
 */
const rooms = {
  netlink: [],
  drivers: ["host"],
  spec: ["drivers", "host"],
  boot: ["spec", "drivers", "host"],
  bios: ["boot", "host"],
  redfish: ["bios", "host"],
  openstack: ["spec", "drivers", "host"],
  requirements: ["boot", "openstack", "spec", "drivers", "host"],
  symptoms: ["requirements", "spec", "host"],
  verdict: ["symptoms", "requirements", "spec", "host"],
  map: ["requirements", "spec", "host"],
  reconcile: ["verdict", "requirements", "spec", "drivers", "host", "twin"],
  watch: ["verdict", "requirements", "spec", "drivers", "host"],
  fleet: ["reconcile", "verdict", "map", "requirements", "spec", "host", "system"],
  "operations/host": ["reconcile", "verdict", "requirements", "boot", "spec", "host"],
  "operations/inventory": ["redfish", "openstack", "host", "system"],
  "operations/tree": ["operations/inventory", "openstack", "spec", "host", "system"],
  "operations/cloud": ["openstack", "host", "system"],
  report: [
    "fleet",
    "operations/host",
    "watch",
    "reconcile",
    "verdict",
    "map",
    "symptoms",
    "requirements",
    "redfish",
    "bios",
    "openstack",
    "spec",
    "host",
  ],
};

const paths = {
  host: "^src/host/(?!linux/|simulated/)",
  linux: "^src/host/linux/",
  twin: "^src/host/simulated/",
  /** Files, programs and their limits: what is of a machine and of no NIC. */
  system: "^src/host/linux/system/(program|processes|files|bounded-file)\\.ts$",
};
const pathOf = (room) => paths[room] ?? `^src/${room}/`;

/** What decides does no input or output. */
const pure =
  "^src/(drivers|requirements|symptoms|verdict|watch|map|spec|boot|bios|openstack|host/simulated)/";

module.exports = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^ffi$" } },
    ...Object.entries(rooms).map(([room, below]) => ({
      name: `${room.replace("/", "-")}-looks-down`,
      comment: `${room} may import ${below.join(", ") || "nothing"}`,
      severity: "error",
      from: { path: pathOf(room) },
      to: { path: "^src/", pathNot: [pathOf(room), ...below.map(pathOf)] },
    })),
    {
      name: "host-imports-no-decisions",
      severity: "error",
      from: { path: "^src/host/" },
      to: { path: "^src/", pathNot: ["^src/(host|drivers)/", "^src/netlink/"] },
    },
    {
      name: "only-linux-speaks-netlink",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/netlink/", paths.linux, "^src/cli/shipped\\.ts$"] },
      to: { path: "^src/netlink/" },
    },
    {
      name: "nothing-imports-the-cli",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/" },
      to: { path: "^src/cli/" },
    },
    {
      name: "decisions-are-pure",
      comment: "no Node",
      severity: "error",
      from: { path: pure },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "a-driver-knows-no-other",
      severity: "error",
      from: { path: "^src/drivers/([^/]+)/" },
      to: { path: "^src/drivers/[^/]+/", pathNot: "^src/drivers/($1|generic)/" },
    },
    {
      name: "drivers-are-asked-by-the-registry",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/drivers/" },
      to: { path: "^src/drivers/[^/]+/" },
    },
    {
      name: "src-needs-no-test-code",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|lab|bench|scripts)/" },
    },
    {
      name: "no-dev-dependencies-in-src",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "^src/(cli/main|fleet/reading/reader-thread)\\.ts$" },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs", ".cjs"] },
    tsConfig: { fileName: "tsconfig.json" },
  },
};
