export function fleetHtml(_s: unknown, _m: unknown, _v: string): string {
  return "";
}
