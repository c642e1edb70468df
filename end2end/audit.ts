// What every page owes to those who use it by ear, by keyboard or on a small screen.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * axe finds nothing on the page as it stands. The window is made as tall as the page meanwhile: a bar
 * that sticks to its edge covers part of what scrolls below it, and which part is chance.
 */
export async function axeFindsNothing(page: Page): Promise<void> {
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

/** The page itself never scrolls sideways; a wide table does so in its own region. */
export async function doesNotScrollSideways(page: Page): Promise<void> {
  const { scroll, client } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    client: document.documentElement.clientWidth,
  }));
  expect(scroll, `width of ${page.url()}`).toBeLessThanOrEqual(client);
}
