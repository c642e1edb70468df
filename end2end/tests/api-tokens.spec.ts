// API tokens: made for some customers, used, rotated with an overlap, revoked; and by a plain form.
import { expect, request, type APIResponse } from "@playwright/test";

import { test } from "../fixtures";

const baseURL = process.env.E2E_URL ?? "http://127.0.0.1:3000";

/** Asks the API with a token of the page's making. */
async function ask(token: string, path: string): Promise<APIResponse> {
  const context = await request.newContext({ baseURL, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  return context.get(`/api/v1${path}`);
}

test("a token is made for one customer, used, rotated and revoked", async ({
  page,
  goto,
  customer,
  unique,
}) => {
  const name = unique("Ticket <i>system</i>");
  const main = page.getByRole("main");
  let first = "";
  let second = "";

  await test.step("made", async () => {
    await goto("/api-tokens");
    await page.getByRole("link", { name: "New API Token" }).click();
    const dialog = page.getByRole("dialog", { name: "New API Token" });
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByLabel("Role").selectOption("Read-Only");
    await dialog.getByLabel("Some of them").check();
    await dialog.getByLabel("Networks").fill("300.1.2.3");
    first = await dialog.getByLabel("Token", { exact: true }).inputValue();
    expect(first).toMatch(/^rc_[A-Za-z0-9]{49}$/);
    await dialog.getByRole("button", { name: "Make token" }).click();
    await expect(dialog.getByLabel("Networks")).toHaveAccessibleDescription(/300\.1\.2\.3/);
    await dialog.getByLabel("Networks").fill("127.0.0.1, ::1");
    await dialog.getByRole("button", { name: "Make token" }).click();
    await expect(dialog.getByText("Choose at least one customer.")).toHaveCount(1);
    await dialog.getByLabel("Find a customer in this list").fill(customer.name);
    await dialog.getByRole("checkbox", { name: customer.name }).check();
    await dialog.getByRole("button", { name: "Make token" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expect(main).toContainText("127.0.0.1/32, ::1/128");
    await expect(main.getByRole("link", { name: customer.name })).toBeVisible();
    expect(await page.content()).not.toContain(first);
  });

  await test.step("used", async () => {
    const customers = await ask(first, "/customers");
    const { items } = (await customers.json()) as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).toEqual([customer.id]);
    await page.reload();
    await expect(main).toContainText("from 127.0.0.1");
  });

  await test.step("rotated", async () => {
    await main.getByRole("link", { name: "Rotate" }).click();
    const dialog = page.getByRole("dialog", { name: "Rotate API Token" });
    second = await dialog.getByLabel("Token", { exact: true }).inputValue();
    await dialog.getByLabel("The secret before stays good").selectOption("1 hour");
    await dialog.getByRole("button", { name: "Use this token" }).click();
    await expect(page.getByText("The new secret counts, the one before for 1 hour more")).toBeVisible();
    await expect(main).toContainText("Secret before");
    for (const token of [first, second]) {
      expect((await ask(token, "/customers")).status()).toBe(200);
    }
  });

  await test.step("revoked", async () => {
    await main.getByRole("link", { name: "Revoke" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke API Token" });
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await expect(main).toContainText("Revoked");
    await expect(main.getByRole("link", { name: "Rotate" })).toHaveCount(0);
    for (const token of [first, second]) {
      expect((await ask(token, "/customers")).status()).toBe(401);
    }
  });

  await test.step("listed by state, found and sorted", async () => {
    await goto("/api-tokens?state=revoked");
    const tokens = page.getByRole("table", { name: "API Tokens" });
    await expect(tokens).toContainText(name);
    await page.getByRole("searchbox", { name: "Search API Tokens" }).fill(name.toUpperCase());
    await expect(tokens.getByRole("row")).toHaveCount(2);
    await tokens.getByRole("link", { name: "Ends" }).click();
    await expect(page).toHaveURL(/state=revoked.*sort=ends|sort=ends.*state=revoked/);
    await expect(tokens.getByRole("columnheader", { name: "Ends" })).toHaveAttribute("aria-sort", "ascending");
    await goto(`/api-tokens?state=revoked&customer=${customer.id}`);
    await expect(tokens).toContainText(name);
    await goto("/api-tokens?state=active");
    await expect(page.getByRole("main")).not.toContainText(name);
  });
});

test("a token is made without the browser code", async ({ plain, unique }) => {
  await plain.goto("/api-tokens/add");
  await plain.getByLabel("Name", { exact: true }).fill(unique("Plain"));
  const token = await plain.getByLabel("Token", { exact: true }).inputValue();
  await plain.getByRole("button", { name: "Make token" }).click();
  await expect(plain.getByRole("heading", { level: 1 })).toContainText("Plain");
  expect((await ask(token, "/api-tokens")).status()).toBe(200);
});
