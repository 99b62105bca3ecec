/** Stands for node:util in the fleet's page: there is no terminal in a browser. */
export function styleText(_format: string, text: string): string {
  return text;
}
