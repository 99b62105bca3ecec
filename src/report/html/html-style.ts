/**
 * The report's looks: system fonts, light and dark as the reader has it, one column on a narrow screen, black
 * on white on paper.
 */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --text: #1b2129; --faint: #59636f;
  --line: #d9dde3; --code: #eef0f3; --link: #0b57a8;
  --good: #0a6638; --good-back: #e2f4e9;
  --bad: #a30f1e; --bad-back: #fdeaec;
  --doubt: #7a4a00; --doubt-back: #fdf1d8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151a; --card: #191f27; --text: #e5e9ee; --faint: #a3adb9;
    --line: #323b47; --code: #242c36; --link: #85b9f5;
    --good: #7fdca6; --good-back: #12301f;
    --bad: #ffa1a8; --bad-back: #3b171b;
    --doubt: #f2c875; --doubt-back: #352a10;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 78rem; padding: 1.5rem 1rem 2rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif; overflow-wrap: anywhere;
}
h1, h2, h4, p, ul, dl, pre { margin: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; }
h2 {
  font-size: 1.3rem; line-height: 1.3;
  display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem;
}
h4 { font-size: .85rem; color: var(--faint); margin-top: .5rem; }
code, pre, .lines li, td[data-column=Address], td[data-column=Port], td[data-column=Representor] {
  font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; font-size: .875em;
}
code { background: var(--code); border-radius: .25rem; padding: .1em .35em; }
pre {
  background: var(--code); border-radius: .4rem; padding: .6rem .8rem;
  max-height: 24rem; overflow: auto; white-space: pre-wrap;
}
a { color: var(--link); }
.host, .when, .mode, .note, footer { color: var(--faint); }
.host { font-weight: 600; }
.mode { font-weight: 400; font-size: 1rem; }
header { margin-bottom: 1.25rem; }
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: 1rem; }
.tile, .chip, .slave { border: 1px solid currentcolor; border-radius: 2rem; text-decoration: none; }
.tile { padding: .25rem .9rem .3rem .7rem; }
.tile:hover b { text-decoration: underline; }
.chip { font-size: .9rem; font-weight: 600; padding: .05rem .7rem; }
.slave { font-size: .85rem; padding: 0 .5rem; white-space: nowrap; }
.works { color: var(--good); background: var(--good-back); }
.broken { color: var(--bad); background: var(--bad-back); }
.tile.unknown, .chip.unknown { color: var(--doubt); background: var(--doubt-back); }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.1rem 1.25rem; margin-bottom: 1rem;
}
.card > * + * { margin-top: .8rem; }
.facts + .facts { margin-top: .2rem; }
.card > .reason { margin-top: .3rem; font-size: 1.1rem; }
ul { list-style: none; padding: 0; }
.cause {
  border-left: .3rem solid var(--line); border-radius: .3rem;
  background: var(--page); padding: .75rem 1rem;
}
.cause + .cause { margin-top: .6rem; }
.cause.error { border-color: var(--bad); }
.cause.warning, .cause.unknown { border-color: var(--doubt); }
.cause > * + * { margin-top: .45rem; }
.mark { display: inline-block; min-width: 1.1em; text-align: center; font-weight: 700; }
.mark.holds { color: var(--good); }
.mark.error, .cause.error > .what > .mark { color: var(--bad); }
.mark.warning, .mark.unknown, .cause.warning > .what > .mark, .cause.unknown > .what > .mark {
  color: var(--doubt);
}
dl > div { display: grid; grid-template-columns: 7.5rem 1fr; gap: 0 .75rem; }
.cause dl > div { grid-template-columns: 2.6rem 1fr; }
dl > div + div { margin-top: .2rem; }
dt { color: var(--faint); }
dd { margin: 0; max-width: 90ch; }
.facts { font-size: .95rem; }
table { width: 100%; border-collapse: collapse; font-size: .95rem; }
th { text-align: left; font-weight: 400; color: var(--faint); font-size: .85rem; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
details { font-size: .95rem; }
summary { cursor: pointer; color: var(--link); padding: .15rem 0; width: fit-content; }
summary:hover { text-decoration: underline; }
details[open] > summary { margin-bottom: .35rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: .25rem; }
.checks li, .consequences li { display: grid; grid-template-columns: 1.4rem 1fr; padding: .15rem 0; }
.consequences li { display: block; }
.seen li + li { margin-top: .4rem; }
.log { display: inline-block; }
.lines li { padding: .1rem 0; }
figure { margin: 0; overflow-x: auto; }
figure svg { display: block; max-width: 100%; height: auto; }
footer { font-size: .85rem; }
@media (max-width: 60rem) {
  figure svg { max-width: none; }
}
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 1.5rem; }
  h1 { font-size: 1.45rem; }
  .card { padding: .9rem .85rem; }
  .cause { padding: .6rem .7rem; }
  dl > div, .cause dl > div { display: block; }
  dl > div + div { margin-top: .4rem; }
  .cause dt { font-size: .85rem; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table, tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  td { border: 0; padding: .05rem 0; display: grid; grid-template-columns: 7.5rem 1fr; font-size: .95rem; }
  td::before {
    content: attr(data-column); color: var(--faint);
    font-family: system-ui, sans-serif; font-size: .85rem;
  }
}
@media print {
  :root { --page: #fff; --code: #fff; }
  body { max-width: none; padding: 0; }
  .card, .cause { break-inside: avoid; }
  details:not([open]) { display: none; }
}
`;
