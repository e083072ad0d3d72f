// Opens handouts in headless Chromium and prints, as JSON, what it saw. It judges nothing: tests/handout.rs does.
//
//     node check.mjs FOLDER PAGE.html...
//
// FOLDER takes the browser's profile and a PDF of each page.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, ...files] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

const browser = await chromium.launchPersistentContext(path.join(folder, "profile"), {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  offline: true,
  args: QUIET,
});

/// A page at `file`, and what went wrong in it or was asked for by it from now on.
async function open(file, options = {}) {
  const url = pathToFileURL(file).href;
  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (message) => wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", async (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => request.url() === url || wrong.push(`request: ${request.url()}`));
  await page.emulateMedia(options);
  await page.goto(url);
  return { page, wrong };
}

/// What is on the page as it is shown now.
function measure() {
  const root = document.documentElement;
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const moved = (one) => one.closest(".wide") && !one.matches(".wide");
  const wider = visible("body *").filter((one) => !moved(one) && one.getBoundingClientRect().right > root.clientWidth + 1);
  return {
    scroll: root.scrollWidth,
    client: root.clientWidth,
    wider: wider.map((one) => one.outerHTML.slice(0, 80)),
    tables: visible("table").length,
    pictures: visible("svg").filter((one) => one.getBoundingClientRect().height > 50).length,
    letters: Math.min(...visible("svg text").map((one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)),
    background: getComputedStyle(document.body).backgroundColor,
  };
}

/// What axe finds.
async function audit(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.length} times, first ${nodes[0].html.slice(0, 120)}`);
}

/// Whether it is the page with all lessons, which takes long to lay out.
const isLarge = (file) => statSync(file).size > 200_000;

async function views(file) {
  const seen = [];
  const large = isLarge(file);
  for (const width of [360, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, wrong } = await open(file, { colorScheme });
      await page.setViewportSize({ width, height: 800 });
      // Every width, every scheme, and all that can be opened, but not each with each: axe takes seconds, and half a minute for a
      // narrow page with all lessons.
      const crossed = (width === 360) === (colorScheme === "light") ? "open" : "closed";
      const audited = large ? width === 1280 && "open" : crossed;
      for (const shown of ["closed", "open"]) {
        if (shown === "open") {
          await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
        }
        const measured = await page.evaluate(measure);
        const violations = shown === audited ? await audit(page) : null;
        seen.push({ view: `${width} ${colorScheme} ${shown}`, width, colorScheme, shown, ...measured, violations });
      }
      seen.at(-1).wrong = wrong;
      await page.close();
    }
  }
  return seen;
}

/// Walks through the page by Tab and opens by Enter whatever can be opened.
async function keyboard(file) {
  const { page } = await open(file);
  const here = () => page.evaluate(() => {
    const at = document.activeElement;
    const outline = getComputedStyle(at).outlineStyle !== "none";
    return { tag: at.tagName, wide: at.matches(".wide"), open: at.parentElement?.open ?? null, outline };
  });
  const seen = { opened: 0, moved: 0, unseen: 0 };
  for (;;) {
    await page.keyboard.press("Tab");
    let at = await here();
    if (at.tag === "BODY") break;
    seen.unseen += at.outline ? 0 : 1;
    seen.moved += at.wide ? 1 : 0;
    if (at.tag === "SUMMARY") {
      await page.keyboard.press("Enter");
      at = await here();
      seen.opened += at.open ? 1 : 0;
    }
  }
  const count = (selector) => page.evaluate((selector) => document.querySelectorAll(selector).length, selector);
  const all = { ...seen, details: await count("details"), wide: await count(".wide") };
  await page.close();
  return all;
}

/// What A4 has room for between the margins that the page asks for, in pixels of CSS.
const PAPER = { width: 688, height: 1001 };

/// How high the sheet of each lesson is, up to the page break before its answer.
function sheets() {
  const top = (one) => one.getBoundingClientRect().top;
  return [...document.querySelectorAll("section:has(.question)")].map((section, place) => {
    const start = place === 0 ? top(document.body) : top(section);
    return top(section.querySelector(".after")) - start;
  });
}

/// The page on paper, as it is before the run and with everything open.
async function print(file) {
  const paper = {};
  for (const shown of ["closed", "open"]) {
    const { page } = await open(file, { colorScheme: "dark", media: "print" });
    if (shown === "open") {
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    }
    await page.setViewportSize(PAPER);
    const measured = { ...(await page.evaluate(measure)), sheets: await page.evaluate(sheets), page: PAPER.height };
    const pdf = await page.pdf({ preferCSSPageSize: true });
    writeFileSync(path.join(folder, `${path.basename(file, ".html")}-${shown}.pdf`), pdf);
    const text = pdf.toString("latin1");
    const sizes = [...text.matchAll(/\/MediaBox \[([^\]]*)\]/g)].map((found) => found[1]);
    paper[shown] = { ...measured, bytes: pdf.length, pages: (text.match(/\/Type \/Page\b/g) ?? []).length, sizes };
    await page.close();
  }
  return paper;
}

const seen = {};
for (const file of files) {
  // What the keyboard reaches in a lesson it reaches in each, and every key lays out the page anew.
  const walk = isLarge(file) ? null : await keyboard(file);
  seen[path.basename(file)] = { views: await views(file), keyboard: walk, print: await print(file) };
}
await browser.close();
console.log(JSON.stringify(seen));
