/**
 * Text for XML, HTML and SVG, as content or in quotes: nothing in it is markup, and what XML cannot hold, or what turns the direction of
 * writing, stands as U+FFFD. Source: XML 1.0, 2.2 Characters.
 */
export function escapeXml(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
    .replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
