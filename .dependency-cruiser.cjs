/** DESIGN 2: imports go one way. */
const inside = (folder) => `^src/${folder}/`;
/** What decides does no input or output. */
const pure = "^src/(drivers|requirements|symptoms|spec|boot|bios|openstack|host/simulated)/";

module.exports = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^ffi$" } },
    {
      name: "decisions-are-pure",
      comment: "no Node, no real host, no netlink",
      severity: "error",
      from: { path: pure },
      to: { dependencyTypes: ["core"] },
    },
    { name: "decisions-know-no-host", severity: "error", from: { path: pure }, to: { path: ["^src/host/linux/", "^src/netlink/"] } },
    { name: "nothing-imports-the-cli", severity: "error", from: { path: "^src/", pathNot: inside("cli") }, to: { path: inside("cli") } },
    {
      name: "host-imports-no-decisions",
      severity: "error",
      from: { path: inside("host") },
      to: { path: "^src/(requirements|reconcile|spec|report|cli|boot|openstack|deployment)/" },
    },
    {
      name: "spec-imports-values-only",
      severity: "error",
      from: { path: inside("spec") },
      to: {
        path: "^src/",
        pathNot: ["^src/(spec|drivers)/", "^src/host/(state|schemas|values|observed|cards|kernel-arguments|plain-text)\\.ts$"],
      },
    },
    {
      name: "requirements-import-spec-boot-openstack-and-host-data",
      severity: "error",
      from: { path: inside("requirements") },
      to: { path: "^src/", pathNot: ["^src/(requirements|spec|boot|openstack|drivers)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "drivers-import-host-data",
      comment: "what is true of one driver only: data and pure functions",
      severity: "error",
      from: { path: inside("drivers") },
      to: { path: "^src/", pathNot: ["^src/drivers/", "^src/host/[a-z-]+\\.ts$"] },
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
      name: "requirements-know-no-symptoms",
      severity: "error",
      from: { path: ["^src/(requirements|spec|boot|host)/"] },
      to: { path: inside("symptoms") },
    },
    {
      name: "symptoms-import-requirements-and-host-data",
      severity: "error",
      from: { path: inside("symptoms") },
      to: { path: "^src/", pathNot: ["^src/(symptoms|requirements|spec)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "boot-imports-spec-and-host-data",
      severity: "error",
      from: { path: inside("boot") },
      to: { path: "^src/", pathNot: ["^src/(boot|spec|drivers)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "bios-imports-boot-and-host-data",
      severity: "error",
      from: { path: inside("bios") },
      to: { path: "^src/", pathNot: ["^src/(bios|boot)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "redfish-imports-bios-and-host-data",
      comment: "speaks to services; no host is touched",
      severity: "error",
      from: { path: inside("redfish") },
      to: { path: "^src/", pathNot: ["^src/(redfish|bios)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "openstack-imports-spec-and-host-data",
      severity: "error",
      from: { path: inside("openstack") },
      to: { path: "^src/", pathNot: ["^src/(openstack|spec|drivers)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "reconcile-imports-no-real-host",
      severity: "error",
      from: { path: inside("reconcile") },
      to: { path: ["^src/host/linux/", "^src/(report|cli)/"] },
    },
    {
      name: "deployment-imports-configuration-and-no-decisions",
      comment: "configuration trees, inventories and clients: input and output that is no host's",
      severity: "error",
      from: { path: inside("deployment") },
      to: {
        path: "^src/",
        pathNot: [
          "^src/(deployment|openstack|spec)/",
          "^src/redfish/access\\.ts$",
          "^src/host/[a-z-]+\\.ts$",
          "^src/host/linux/(program|files|bounded-file)\\.ts$",
        ],
      },
    },
    {
      name: "fleet-imports-decisions-and-the-map",
      comment: "SQLite, Ansible and saved states: no host is touched",
      severity: "error",
      from: { path: inside("fleet") },
      to: {
        path: "^src/",
        pathNot: [
          "^src/(fleet|reconcile|requirements|spec)/",
          "^src/host/[a-z-]+\\.ts$",
          "^src/host/linux/(program|processes|bounded-file)\\.ts$",
          "^src/map/",
        ],
      },
    },
    {
      name: "the-map-is-a-model-and-no-picture",
      severity: "error",
      from: { path: inside("map") },
      to: { path: "^src/", pathNot: ["^src/(map|requirements|spec)/", "^src/host/[a-z-]+\\.ts$"] },
    },
    {
      name: "only-cli-imports-reports",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli|report)/" },
      to: { path: inside("report") },
    },
    {
      name: "only-cli-and-report-know-the-fleet",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(fleet|cli|report)/" },
      to: { path: inside("fleet") },
    },
    {
      name: "report-imports-no-host",
      severity: "error",
      from: { path: inside("report") },
      to: { path: ["^src/host/(linux|simulated)/", "^src/netlink/"] },
    },
    {
      name: "only-linux-speaks-netlink",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/netlink/", "^src/host/linux/", "^src/cli/shipped\\.ts$"] },
      to: { path: inside("netlink") },
    },
    {
      name: "netlink-stands-alone",
      severity: "error",
      from: { path: inside("netlink") },
      to: { path: "^src/", pathNot: inside("netlink") },
    },
    { name: "src-needs-no-test-code", severity: "error", from: { path: "^src/" }, to: { path: "^(test|lab|bench|scripts)/" } },
    { name: "no-dev-dependencies-in-src", severity: "error", from: { path: "^src/" }, to: { dependencyTypes: ["npm-dev"] } },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "^src/(cli/main|fleet/reader-thread)\\.ts$" },
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
