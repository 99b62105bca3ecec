import type { HostMap } from "../../map/schema.ts";
import { mapSvg } from "../map/map-svg.ts";
import type { PageData, PageHost, PageNic } from "./fleet-page-data.ts";

/**
 * What runs in the fleet's page: it filters the hosts and draws the map of one. It asks no network, and text
 * of a host becomes text (`textContent`), never markup; only the map's drawing, which escapes all that it is
 * given, is put in as it is. `npm run published` makes fleet-page.bundle.ts of it.
 */

/** As much of the browser as is used. */
interface Element {
  textContent: string;
  innerHTML: string;
  className: string;
  hidden: boolean;
  value: string;
  id: string;
  open: boolean;
  readonly dataset: Record<string, string | undefined>;
  append(...children: (Element | string)[]): void;
  replaceChildren(...children: (Element | string)[]): void;
  setAttribute(name: string, value: string): void;
  addEventListener(type: string, listener: () => void): void;
  showModal(): void;
  close(): void;
}
interface Browser {
  readonly document: {
    createElement(name: string): Element;
    getElementById(id: string): Element | null;
    querySelectorAll(selector: string): Iterable<Element>;
  };
  readonly location: { hash: string };
  readonly history: { replaceState(data: null, unused: string, url: string): void };
  addEventListener(type: string, listener: () => void): void;
}
const browser = globalThis as unknown as Browser;
const { document } = browser;

const data: PageData = JSON.parse(byId("fleet").textContent);
/** So many rows are shown; more on demand. */
const step = 100;
let shown = step;
let cause: string | null = null;

const rows = byId("rows");
const counted = byId("counted");
const more = byId("more");
const search = byId("search");
const answer = byId("answer");
const dialog = byId("detail");

for (const element of [search, answer])
  element.addEventListener("input", () => {
    shown = step;
    list();
  });
more.addEventListener("click", () => {
  shown += step;
  list();
});
for (const button of document.querySelectorAll("[data-cause]"))
  button.addEventListener("click", () => {
    cause = cause === button.dataset["cause"] ? null : (button.dataset["cause"] ?? null);
    shown = step;
    list();
  });
byId("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => browser.history.replaceState(null, "", "#"));
browser.addEventListener("hashchange", fromAddress);
byId("fold").hidden = false;
list();
fromAddress();

/** `#hv1` shows hv1. */
function fromAddress(): void {
  const name = decodeURIComponent(browser.location.hash.slice(1));
  const host = data.hosts.find((candidate) => candidate.name === name);
  if (host !== undefined) void show(host);
}

function list(): void {
  for (const button of document.querySelectorAll("[data-cause]"))
    button.setAttribute("aria-pressed", String(button.dataset["cause"] === cause));
  const words = search.value
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = data.hosts.filter(
    (host) =>
      (answer.value === "" || host.answer === answer.value) &&
      (cause === null || hasGroup(host, Number(cause))) &&
      (words.length === 0 || words.every((word) => textOf(host).includes(word))),
  );
  counted.textContent = `${found.length} of ${data.hosts.length} hosts`;
  rows.replaceChildren(...found.slice(0, shown).map(row));
  more.hidden = found.length <= shown;
}

function nicsOf({ outcome }: PageHost): readonly PageNic[] {
  return data.outcomes[outcome] ?? [];
}

function hasGroup(host: PageHost, group: number): boolean {
  return nicsOf(host).some(({ causes }) => causes.some((each) => each.group === group));
}

const texts = new Map<PageHost, string>();

function textOf(host: PageHost): string {
  const known = texts.get(host);
  if (known !== undefined) return known;
  const causes = nicsOf(host).flatMap(({ nic, mode, causes: all }) => [
    nic,
    mode,
    ...all.map(({ requirement, text }) => `${requirement} ${text}`),
  ]);
  const text = [host.name, data.words[host.answer], ...host.notes, ...causes].join(" ").toLowerCase();
  texts.set(host, text);
  return text;
}

function row(host: PageHost): Element {
  const button = made("button", "host-name", host.name);
  button.addEventListener("click", () => void show(host));
  const why = nicsOf(host).flatMap(({ causes }) =>
    causes
      .filter(({ severity }) => severity !== "warning")
      .map(({ requirement, text }) => `${requirement}: ${text}`),
  );
  const cells: [string, Element | string][] = [
    ["Host", button],
    ["Verdict", made("span", `chip ${host.answer}`, data.words[host.answer])],
    ["Age", host.age],
    ["Why", [...new Set([...why, ...host.notes])].join("; ")],
  ];
  const line = made("tr", "");
  for (const [column, content] of cells) {
    const cell = made("td", "");
    cell.dataset["column"] = column;
    cell.append(content);
    line.append(cell);
  }
  return line;
}

async function show(host: PageHost): Promise<void> {
  byId("detail-name").textContent = host.name;
  const parts: Element[] = [
    made("p", "when", [`observed ${host.age} before this page`, ...host.notes].join("; ")),
  ];
  for (const { nic, mode, answer: verdict, causes } of nicsOf(host)) {
    const title = made("h3", "", `${nic} `);
    title.append(made("span", "mode", `${mode} `), made("span", `chip ${verdict}`, data.words[verdict]));
    const items = made("ul", "causes");
    for (const each of causes) {
      const item = made("li", `cause ${each.severity}`);
      const what = made("p", "what");
      what.append(made("code", "", each.requirement), ` ${each.text}`);
      item.append(what, made("p", "note", `do: ${each.do}`));
      items.append(item);
    }
    parts.push(title, items);
  }
  const figure = made("figure", "", "");
  figure.setAttribute("tabindex", "0");
  figure.setAttribute("role", "region");
  figure.setAttribute("aria-label", `Map of ${host.name}`);
  byId("detail-body").replaceChildren(...parts, figure);
  if (!dialog.open) dialog.showModal();
  browser.history.replaceState(null, "", `#${encodeURIComponent(host.name)}`);
  if (host.map === null) return;
  const [block, place] = host.map;
  const map = (await mapsOf(block))[place];
  // Another host may have been asked for meanwhile.
  if (map !== undefined && byId("detail-name").textContent === host.name) figure.innerHTML = mapSvg(map);
}

let last: { readonly block: number; readonly maps: Promise<readonly HostMap[]> } | null = null;

/** The maps of a block of hosts: what is drawn of them is drawn when it is asked for. */
function mapsOf(block: number): Promise<readonly HostMap[]> {
  if (last?.block === block) return last.maps;
  const bytes = Uint8Array.from(atob(byId(`maps-${block}`).textContent.trim()), (character) =>
    character.charCodeAt(0),
  );
  const maps = new Response(
    new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")),
  ).json() as Promise<readonly HostMap[]>;
  last = { block, maps };
  return maps;
}

function byId(id: string): Element {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

function made(name: string, kind: string, text = ""): Element {
  const element = document.createElement(name);
  if (kind !== "") element.className = kind;
  element.textContent = text;
  return element;
}
