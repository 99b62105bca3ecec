/**
 * A pattern that finds what any of these does; where several fit at one place, the first of them. Groups are
 * numbered through all of them.
 *
 * @example anyOf(/HTTP 401/i, /requires authentication/i)
 * @throws TypeError where their flags differ
 */
export function anyOf(first: RegExp, ...others: readonly RegExp[]): RegExp {
  const other = others.find(({ flags }) => flags !== first.flags);
  if (other !== undefined) throw new TypeError(`${other} has other flags than ${first}`);
  return new RegExp([first, ...others].map(({ source }) => source).join("|"), first.flags);
}
