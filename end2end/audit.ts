// What every page owes to those who use it by ear, by keyboard or on a small screen.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

import { RESULTS } from "./results";

/** Where is noted what axe has looked at, by all workers of this run. */
const LOOKED_AT = path.join(RESULTS, "axe");

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * axe finds nothing on the page as it stands. The window is made as tall as the page meanwhile: a bar
 * that sticks to its edge covers part of what scrolls below it, and which part is chance.
 */
export async function axeFindsNothing(page: Page): Promise<void> {
  if (process.env.E2E_AXE === "off" || !isNew(await make(page))) {
    return;
  }
  const window = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  if (window && height > window.height) {
    await page.setViewportSize({ width: window.width, height });
  }
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  if (window) {
    await page.setViewportSize(window);
  }
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n      ${node.failureSummary?.replaceAll("\n", "\n      ")}`).join("\n")}`,
  );
  expect(found.join("\n"), `axe on ${page.url()}`).toBe("");
}

/**
 * What axe goes by: each way from the root to an element, with classes, roles, states and whether it
 * says anything; headings in their order; how wide and which colours. Rows that differ in their words
 * only are one.
 */
async function make(page: Page): Promise<string> {
  return page.evaluate(() => {
    const seen = new Set<string>();
    const headings: string[] = [];
    const walk = (element: Element, above: string) => {
      const told = [...element.attributes]
        .filter(({ name }) => /^(class|role|type|disabled|hidden|open|checked|aria-.*)$/.test(name))
        .map(({ name, value }) => (/^aria-(controls|describedby|labelledby|activedescendant|owns)$/.test(name) ? name : `${name}=${value}`));
      const here = `${above}>${element.tagName}[${told.join(";")}]${element.textContent?.trim() ? "+" : ""}`;
      seen.add(here);
      if (/^H[1-6]$/.test(element.tagName)) {
        headings.push(element.tagName);
      }
      for (const child of element.children) {
        walk(child, here);
      }
    };
    walk(document.documentElement, "");
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return [innerWidth, dark, document.title !== "", headings.join(), ...[...seen].sort()].join("\n");
  });
}

/** Whether nobody has looked at such a page in this run: axe takes longer than all else a test does. */
function isNew(made: string): boolean {
  mkdirSync(LOOKED_AT, { recursive: true });
  try {
    writeFileSync(path.join(LOOKED_AT, createHash("sha256").update(made).digest("hex")), "", { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

/** The page itself never scrolls sideways; a wide table does so in its own region. */
export async function doesNotScrollSideways(page: Page): Promise<void> {
  const { scroll, client } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    client: document.documentElement.clientWidth,
  }));
  expect(scroll, `width of ${page.url()}`).toBeLessThanOrEqual(client);
}
