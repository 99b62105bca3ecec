import assert from "node:assert/strict";
import type { Look, Page } from "./chromium.ts";

/** Wide and narrow, light and dark. */
export const looks = [1280, 400].flatMap((width) => [false, true].map((dark) => ({ width, dark })));

/** Nothing of the page is wider than the screen, cut off, or hard to read. */
export async function readable(page: Page, look: Look, name: string): Promise<void> {
  const where = `${name}, ${look.width} px, ${look.dark ? "dark" : "light"}`;
  await page.look(look);
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), look.width, where);
  assert.deepEqual(await page.evaluate(cutOff), [], where);
  assert.deepEqual(await page.evaluate(hardToRead), [], where);
  const back = String(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
  assert.equal(Number(/\d+/.exec(back)?.[0]) < 128, look.dark, where);
}

/** Elements whose content is wider than they are, where nothing scrolls it. */
const cutOff = `[...document.querySelectorAll('main *')]
  .filter((each) => !each.closest('figure, thead, pre') && each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
  .map((each) => each.outerHTML.slice(0, 120))`;

/**
 * Text with too little contrast to what is behind it. Source: WCAG 2.2, 1.4.3 (4.5:1), and its definition of
 * relative luminance.
 */
const hardToRead = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (each) => {
    for (let at = each; at !== null; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((each) => !each.closest('svg') && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .flatMap((each) => {
      const [one, other] = [light(numbers(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
      const contrast = (one + 0.05) / (other + 0.05);
      return contrast >= 4.5 ? [] : [contrast.toFixed(2) + ' ' + each.outerHTML.slice(0, 120)];
    });
})()`;
