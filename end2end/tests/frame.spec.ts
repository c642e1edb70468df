// What stands around every page: skip link, search, switches, by keyboard.
import { axeFindsNothing } from "../audit";
import { expect, hydrated, test } from "../fixtures";

test("the skip link leads past the sidebar", async ({ page, goto }) => {
  await goto("/customers");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("main").locator(":focus")).toHaveCount(1);
});

test("Ctrl+K finds pages and customers, Escape closes and gives the focus back", async ({ page, goto, customer }) => {
  await goto("/users");
  const search = page.getByRole("searchbox", { name: "Search Users" });
  await search.focus();
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Find anything" });
  const field = dialog.getByRole("combobox", { name: "Find anything" });
  await expect(field).toBeFocused();
  await axeFindsNothing(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(search).toBeFocused();

  await page.keyboard.press("Control+k");
  await field.fill("credential");
  await expect(dialog.getByRole("option", { name: /Credential Profiles/ })).toBeVisible();
  await field.fill(customer.name);
  await expect(dialog.getByRole("option")).toHaveCount(1);
  await expect(dialog.getByRole("option", { name: customer.name })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: customer.name })).toBeVisible();
  await expect(dialog).toBeHidden();
});

test("a dialog holds the focus and gives it back", async ({ page, goto }) => {
  await goto("/customers");
  const add = page.getByRole("link", { name: "Add Customer" });
  await add.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Add Customer" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  for (let i = 0; i < 6; i += 1) {
    await page.keyboard.press("Tab");
    // Between the last and the first the browser's own buttons have their turn: then it is the page.
    await expect(page.getByRole("main").locator(":focus:not(dialog *)")).toHaveCount(0);
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL("/customers");
  await expect(add).toBeFocused();
});

test("Escape closes a menu and gives the focus back", async ({ page, goto }) => {
  await goto("/customers");
  const button = page.locator("summary", { hasText: "All customers" });
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("searchbox", { name: "Find a customer" })).toBeVisible();
  await axeFindsNothing(page);
  await page.getByRole("searchbox", { name: "Find a customer" }).focus();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("searchbox", { name: "Find a customer" })).toBeHidden();
  await expect(button).toBeFocused();
});

test("light or dark is chosen at once and stays", async ({ page, goto }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await goto("/customers");
  const light = await background();
  await page.getByLabel("Light or dark").click();
  const kept = page.waitForResponse((answer) => answer.url().includes("/theme/choose"));
  await page.getByRole("button", { name: "Dark" }).click();
  await expect.poll(background).not.toBe(light);
  await kept;
  await page.reload();
  await hydrated(page);
  expect(await background()).not.toBe(light);
  await page.getByLabel("Light or dark").click();
  await page.getByRole("button", { name: "System" }).click();
  await expect.poll(background).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(background).not.toBe(light);
});

test("reduced motion stops what turns", async ({ page, goto, customer, tenant, control, api }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  const integration = await api.connected(customer, tenant);
  await control.latency(1_500);
  const run = await api.start(integration);
  await goto(`/runs/${run.id}`);
  await expect(page.getByRole("heading", { name: "Progress" })).toBeVisible();
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length);
  expect(await moving()).toBe(0);
  await control.latency(0);
  await api.ended(run);
});

test("a page comes alive each time it is opened", async ({ page }) => {
  // What the server had ready while it looked for what the page reads once shifted the numbers by
  // which the browser finds the answers, about every tenth time.
  for (let i = 0; i < 25; i += 1) {
    await page.goto("/account");
    await hydrated(page);
  }
});
