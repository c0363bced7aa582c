// Opens reports in headless Chromium as a reader does: from theme to period to passage, from one
// pair of years to another, by mouse and by keyboard, on a phone and on a desk, in the light and in
// the dark. Finds no console error, no request, no dialog, and no violation of WCAG 2.1 A or AA.
//
//     node report.mjs [--hostile PAGE] PAGE...
//
// Screenshots go to $SHOTS, where that is set. Figures are printed.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const DESK = { width: 1280, height: 900 }, PHONE = { width: 390, height: 844 };
const FIRST_PAINT_MS = 1000, INTERACTION_MS = 100, MAX_BYTES = 3e6;

const profile = mkdtempSync(join(tmpdir(), "themeline-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a page and keeps all that it should not do. */
async function open(file, viewport, colorScheme) {
  const page = await browser.newPage();
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  const address = pathToFileURL(resolve(file)).href, faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address) faults.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, faults };
}

/** Milliseconds from an act to the frame that shows it: the median of five. */
async function timed(page, act) {
  const times = [];
  for (let k = 0; k < 5; k++) {
    times.push(await page.evaluate(`(async () => {
      const start = performance.now();
      (${act})(${k});
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return performance.now() - start;
    })()`));
  }
  return times.sort((a, b) => a - b)[2];
}

async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate((levels) => axe.run(document, { runOnly: levels }), LEVELS);
  return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
}

const openAll = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

/** Theme, then period, then passage, then its document, as a reader clicks. */
async function walk(page) {
  const link = page.locator(".panel h3 a").first();
  const name = await link.textContent();
  await link.click();
  const theme = page.locator("details.theme[open]").first();
  assert.equal(await theme.locator("summary h3").textContent(), name);
  const select = theme.locator(".evidence select");
  const period = await select.locator("option").nth(1).getAttribute("value");
  await select.selectOption(period);
  const heading = await theme.locator(".evidence h4").textContent();
  assert.match(heading, /^Passages of .+, best first/);
  const quotes = theme.locator(".quotes li");
  assert.ok((await quotes.count()) > 0, "a period that is offered has passages");
  assert.ok((await quotes.first().locator("mark").textContent()).length > 0);
  await quotes.first().locator("button.doc").click();
  const dialog = page.locator("dialog#document");
  assert.ok(await dialog.isVisible());
  await page.keyboard.press("Escape");
  assert.ok(!(await dialog.isVisible()));
}

/** The heatmap by keyboard: arrows tell the number, Enter opens the passages. */
async function walkByKeyboard(page) {
  const cells = page.locator("#cells");
  await cells.focus();
  await page.keyboard.press("ArrowDown");
  assert.match(await page.locator("#cell").textContent(), /%|no documents/);
  await page.keyboard.press("Enter");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /assage/);
}

/** Another pair of years: the chart and the table speak of it. */
async function switchYears(page) {
  const from = page.locator("#from");
  const second = await from.locator("option").nth(1).textContent();
  await from.selectOption({ index: 1 });
  assert.equal(await page.locator("#slope .head").first().textContent(), second);
  assert.equal(await page.locator("#pair thead th").nth(1).textContent(), second);
  assert.ok((await page.locator("#slope circle").count()) > 2);
}

async function filterDocuments(page) {
  const first = await page.locator("#documents-table tbody button").first().textContent();
  await page.fill("#words", first);
  assert.equal(await page.locator("#documents-table tbody button").first().textContent(), first);
  await page.fill("#words", "no such words anywhere");
  assert.equal(await page.locator("#documents-table tbody tr").count(), 0);
  await page.fill("#words", "");
}

/** What a reader does, at one width and in one colour scheme. */
async function read(file, viewport, scheme) {
  const { page, faults } = await open(file, viewport, scheme);
  await shot(page, file, viewport, scheme, "top");
  assert.deepEqual(await violations(page), []);
  await walk(page);
  await walkByKeyboard(page);
  await switchYears(page);
  await filterDocuments(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
  await openAll(page);
  assert.deepEqual(await violations(page), []);
  await page.locator("#documents-table tbody button").first().click();
  assert.deepEqual(await violations(page), []);
  await shot(page, file, viewport, scheme, "document");
  assert.deepEqual(faults, []);
  await page.close();
}

async function shot(page, file, { width }, scheme, name) {
  if (!process.env.SHOTS) return;
  const stem = basename(dirname(resolve(file)));
  await page.screenshot({ path: join(process.env.SHOTS, `${stem}-${width}-${scheme}-${name}.png`) });
}

/** First paint and the time of every kind of interaction. */
async function measure(file) {
  const { page } = await open(file, DESK, "light");
  await page.waitForTimeout(300);
  const paint = await page.evaluate(() =>
    performance.getEntriesByName("first-contentful-paint")[0].startTime);
  const times = {
    theme: await timed(page, `(k) => document.querySelectorAll(".panel a")[k].click()`),
    passages: await timed(page, `(k) => { const s = document.querySelector(".evidence select");
      s.selectedIndex = 1 + k; s.dispatchEvent(new Event("change")); }`),
    years: await timed(page, `(k) => { const s = document.getElementById("from");
      s.selectedIndex = k; s.dispatchEvent(new Event("change")); }`),
    filter: await timed(page, `(k) => { const s = document.getElementById("words");
      s.value = "aeiou"[k]; s.dispatchEvent(new Event("input")); }`),
    document: await timed(page, `(k) => { document.getElementById("document").close();
      document.querySelectorAll("#documents-table button")[k].click(); }`),
  };
  await page.close();
  const bytes = readFileSync(file).length;
  const shown = Object.entries(times).map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`).join(", ");
  console.log(`${file}: ${(bytes / 1e6).toFixed(2)} MB, first paint ${paint.toFixed(0)} ms, ${shown}`);
  assert.ok(bytes < MAX_BYTES && paint < FIRST_PAINT_MS);
  for (const [what, ms] of Object.entries(times)) assert.ok(ms < INTERACTION_MS, `${what}: ${ms} ms`);
}

/** Without JavaScript, the words and the charts are there. */
async function withoutScript(file) {
  const context = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  const page = await context.newPage({ javaScriptEnabled: false, viewport: DESK });
  await page.goto(pathToFileURL(resolve(file)).href);
  assert.ok((await page.locator("h2").count()) === 10);
  assert.ok((await page.locator(".panel svg").count()) > 1);
  await page.locator("details.theme > summary").first().click();
  assert.ok(await page.locator("details.theme blockquote").first().isVisible());
  assert.ok(!(await page.locator("#filter").isVisible()), "no control that does nothing");
  await context.close();
}

/** A corpus that attacks: every part of the page is opened, and nothing happens. */
async function attack(file) {
  const { page, faults } = await open(file, DESK, "light");
  await openAll(page);
  const made = await page.evaluate(() => {
    const tags = ["img", "iframe", "object", "embed", "base", "form[action]", "xss", "math", "template"];
    const scripts = document.querySelectorAll("script").length;
    const acts = [...document.querySelectorAll("*")].filter((node) =>
      [...node.attributes].some((a) => a.name.startsWith("on") || /^\s*javascript:/i.test(a.value)));
    return { found: tags.filter((tag) => document.querySelector(tag)), scripts, acts: acts.length };
  });
  assert.deepEqual(made, { found: [], scripts: 2, acts: 0 });
  while (await page.locator("#more").isVisible()) await page.locator("#more").click();
  const documents = page.locator("#documents-table tbody button");
  const n = await documents.count();
  assert.ok(n >= 50, `${n} documents`);
  for (let k = 0; k < n; k++) {
    await documents.nth(k).click();
    await page.keyboard.press("Escape");
  }
  for (const select of await page.locator(".evidence select").all()) {
    const values = await select.locator("option").evaluateAll((all) => all.map((o) => o.value));
    for (const value of values) await select.selectOption(value);
  }
  await page.mouse.move(600, 400);
  assert.equal(await page.evaluate(() => document.querySelectorAll("script").length), 2);
  assert.deepEqual(faults, []);
  await page.close();
}

const args = process.argv.slice(2);
const hostile = args[0] === "--hostile" ? args.splice(0, 2)[1] : null;
try {
  for (const file of args) {
    await measure(file);
    for (const viewport of [DESK, PHONE])
      for (const scheme of ["light", "dark"]) await read(file, viewport, scheme);
    await withoutScript(file);
    console.log(`${file}: read at ${DESK.width} and ${PHONE.width} pixels, light and dark, without a fault`);
  }
  if (hostile) {
    await attack(hostile);
    console.log(`${hostile}: fifty attempts at injection did nothing`);
  }
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
