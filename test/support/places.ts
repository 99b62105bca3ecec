/** The way to a value in plain data. */
export type Place = readonly (string | number)[];

/** Every place in a piece of plain data, from the outside to the inside. */
export function placesOf(value: unknown, place: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [place];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [place, ...entries.flatMap(([key, inner]) => placesOf(inner, [...place, key]))];
}

/** Its kind: the same for all items of a list. */
export function kindOf(place: Place): string {
  return place.map((step) => (typeof step === "number" ? "*" : step)).join(".");
}
