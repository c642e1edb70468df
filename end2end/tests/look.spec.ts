// Every page in light and dark, wide and narrow: axe finds nothing, nothing scrolls sideways, and
// the pictures are kept for whoever wants to look.
import path from "node:path";

import { doesNotScrollSideways } from "../audit";
import { expect, test } from "../fixtures";
import { pages } from "../tour";

const LOOKS = [
  { name: "light", width: 1440, height: 900, colorScheme: "light" },
  { name: "dark", width: 1440, height: 900, colorScheme: "dark" },
  { name: "390", width: 390, height: 844, colorScheme: "light" },
  { name: "360-dark", width: 360, height: 740, colorScheme: "dark" },
] as const;

for (const { name, width, height, colorScheme } of LOOKS) {
  test.describe(name, () => {
    test.use({ viewport: { width, height }, colorScheme });

    test("every page", async ({ page, goto, customer, tenant, control, api }) => {
      test.setTimeout(480_000);
      for (const [title, address] of await pages(api, control, customer, tenant)) {
        await test.step(title, async () => {
          await goto(address);
          await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
          await doesNotScrollSideways(page);
          const file = path.join(test.info().project.outputDir, "pictures", `${title}-${name}.png`);
          await page.screenshot({ path: file });
        });
      }
    });
  });
}

test.describe("narrow", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("the menu leads everywhere", async ({ page, goto }) => {
    await goto("/customers");
    for (const place of ["Integrations", "Sync History", "Users"]) {
      await page.getByLabel("Menu", { exact: true }).click();
      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: place }).click();
      await expect(page.getByRole("heading", { level: 1, name: place })).toBeVisible();
    }
  });
});
