import { expect, test } from "../fixtures";

test("a customer is added, renamed, deleted by its name and restored", async ({ page, goto, unique }) => {
  const name = unique("Zoë & Söhne “1873”");
  const renamed = unique("Zoë <b>& Partner</b> 🌷");

  await test.step("add", async () => {
    await goto("/customers");
    await page.getByRole("link", { name: "Add Customer" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Customer" });
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("status").filter({ hasText: `${name} was added` })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expect(page.getByText("Nothing is connected yet")).toBeVisible();
  });

  await test.step("rename", async () => {
    await page.getByRole("main").getByRole("link", { name: "Rename" }).click();
    const dialog = page.getByRole("dialog", { name: "Rename Customer" });
    await expect(dialog.getByLabel("Name")).toHaveValue(name);
    await dialog.getByLabel("Name").fill(renamed);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("heading", { level: 1, name: renamed })).toBeVisible();
  });

  await test.step("delete, only by typing the name", async () => {
    await page.getByRole("main").getByRole("link", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: `Delete ${renamed}` });
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(dialog.getByLabel("Name")).toHaveAccessibleDescription(/Type the customer’s name/);
    await dialog.getByLabel("Name").fill(renamed);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("status").filter({ hasText: "Moved to the bin" })).toBeVisible();
    await expect(page).toHaveURL("/customers");
  });

  await test.step("it is in the bin and in no list", async () => {
    const search = page.getByRole("searchbox", { name: "Search Customers" });
    await search.fill(renamed);
    await expect(page.getByRole("heading", { name: "No customers match" })).toBeVisible();
    await page.getByRole("link", { name: "Bin", exact: true }).click();
    await expect(page).toHaveURL(/bin=/);
    await expect(page.getByRole("row", { name: renamed })).toBeVisible();
  });

  await test.step("restore", async () => {
    await page.getByRole("row", { name: renamed }).getByRole("button", { name: "Restore" }).click();
    await expect(page.getByRole("status").filter({ hasText: `${renamed} is back` })).toBeVisible();
    await goto(`/customers?q=${encodeURIComponent(renamed)}`);
    await page.getByRole("link", { name: renamed }).click();
    await expect(page.getByRole("heading", { level: 1, name: renamed })).toBeVisible();
  });
});

test("the list is searched, sorted and paged by its address", async ({ page, goto, api, unique }) => {
  const mark = unique("Pager").split(" ").at(-1) ?? "";
  const names = Array.from({ length: 53 }, (_, i) => `${mark} ${String(i + 1).padStart(2, "0")}`);
  await Promise.all(names.map((name) => api.customer(name)));

  await goto("/customers");
  await page.getByRole("searchbox", { name: "Search Customers" }).fill(mark);
  await expect(page).toHaveURL(new RegExp(`q=${mark}`));
  await expect(page.getByText("53 customers")).toBeVisible();
  const rows = page.getByRole("table", { name: "Customers" }).getByRole("row");
  await expect(rows).toHaveCount(51);
  await expect(rows.nth(1)).toContainText(`${mark} 01`);

  await page.getByRole("link", { name: "Next page" }).click();
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(1)).toContainText(`${mark} 51`);
  await expect(page.getByRole("link", { name: "Page 2" })).toHaveAttribute("aria-current", "page");

  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  await expect(rows.nth(1)).toContainText(`${mark} 53`);

  await page.getByRole("navigation", { name: "Rows per page" }).getByRole("link", { name: "100", exact: true }).click();
  await expect(rows).toHaveCount(54);

  // The address alone shows the same to somebody else.
  await goto(page.url());
  await expect(rows).toHaveCount(54);
  await expect(rows.nth(1)).toContainText(`${mark} 53`);
});

test("what isn't there and what nobody may see are the same", async ({ page, goto, watched }) => {
  await goto("/customers/01900000-0000-7000-8000-000000000000");
  await expect(page.getByRole("alert")).toContainText("doesn’t exist, or you may not see it");
  await goto("/customers/nonsense");
  await expect(page.getByRole("alert")).toContainText("doesn’t exist, or you may not see it");
  await goto("/no/such/page");
  await expect(page.getByRole("heading", { level: 1, name: "There is no page here" })).toBeVisible();
  // The pages answer 404, which the browser reports.
  expect(watched.complaints.splice(0).filter((line) => !line.includes("404"))).toEqual([]);
});

test("the switcher on top limits every list to one customer", async ({ page, goto, customer, api, unique }) => {
  const other = await api.customer(unique("Other"));
  await goto("/integrations");
  await page.getByRole("banner").getByText("All customers").first().click();
  await page.getByRole("searchbox", { name: "Find a customer" }).fill(customer.name);
  await page.getByRole("list", { name: "Customers" }).getByRole("link", { name: customer.name }).click();
  await expect(page).toHaveURL(new RegExp(`customer=${customer.id}`));
  await expect(page.getByRole("heading", { name: `Nothing is connected for ${customer.name} yet` })).toBeVisible();
  for (const list of ["Users", "Sync History", "Groups", "Contacts", "Devices"]) {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: list }).click();
    await expect(page).toHaveURL(new RegExp(`customer=${customer.id}`));
    await expect(page.getByRole("banner")).toContainText(customer.name);
    await expect(page.getByRole("banner")).not.toContainText(other.name);
  }
});
