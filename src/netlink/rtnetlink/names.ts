/** A number that the kernel gave and we have no name for, such as a mode added later: `unknown (2)`. */
export type Unnamed = `unknown (${number})`;

/**
 * Name of a number in one of the kernel's enumerations.
 * @param names in the kernel's order, from 0
 */
export function nameOf<const Name extends string>(names: readonly Name[], value: number): Name | Unnamed {
  return names[value] ?? `unknown (${value})`;
}
