/**
 * Where node_exporter of Debian and Ubuntu reads files of others (prometheus-node-exporter,
 * --collector.textfile.directory).
 */
export const metricsFile = "/var/lib/prometheus/node-exporter/vflag.prom";
