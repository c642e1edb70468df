import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

/** Users made here, of this customer. */
async function made(api: { post: <T>(path: string, body?: unknown) => Promise<T> }, customer: string, names: string[]) {
  for (const name of names) {
    await api.post(`/customers/${customer}/users`, {
      display_name: name,
      user_principal_name: `${name.toLowerCase()}@${customer}.example`,
      attributes: { department: "Sales" },
    });
  }
}

test("columns are chosen, kept, and carried by a link", async ({ page, goto, customer, api }) => {
  await made(api, customer.id, ["Ada", "Bea"]);
  await goto(`/users?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Users" });
  await expect(table.getByRole("columnheader", { name: "Department" })).toHaveCount(0);
  await page.locator("summary").filter({ hasText: "Columns" }).click();
  await page.getByRole("checkbox", { name: "Department" }).check();
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(table.getByRole("columnheader", { name: "Department" })).toBeVisible();
  await expect(table.getByRole("row", { name: /Ada/ })).toContainText("Sales");
  // They are there at the next visit, and a link may say others.
  await goto(`/users?customer=${customer.id}&columns=mail`);
  await expect(table.getByRole("columnheader", { name: "Mail" })).toBeVisible();
  await expect(table.getByRole("columnheader", { name: "Department" })).toHaveCount(0);
  await goto(`/users?customer=${customer.id}`);
  await expect(table.getByRole("columnheader", { name: "Department" })).toBeVisible();
  await page.locator("summary").filter({ hasText: "Columns" }).click();
  await page.getByRole("checkbox", { name: "Department" }).uncheck();
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(table.getByRole("columnheader", { name: "Department" })).toHaveCount(0);
});

test("a view is saved, opened, managed and deleted", async ({ page, goto, customer, api, unique }) => {
  await made(api, customer.id, ["Ada"]);
  const name = unique("Inactive people");
  await goto(`/users?customer=${customer.id}&status=inactive`);
  await page.locator("summary").filter({ hasText: "Views" }).click();
  await page.getByLabel("Save this view as").fill(name);
  await page.getByRole("button", { name: "Save view" }).click();
  await goto(`/users?customer=${customer.id}&view=all`);
  await page.locator("summary").filter({ hasText: "Views" }).click();
  await page.getByRole("link", { name }).click();
  await expect(page).toHaveURL(/status=inactive/);
  await goto(`/users/views?customer=${customer.id}&view=all`);
  const dialog = page.getByRole("dialog", { name: "Manage views" });
  const item = dialog.getByRole("listitem").filter({ has: page.locator(`input[value="${name}"]`) });
  await axeFindsNothing(page);
  await item.getByRole("button", { name: "Delete view" }).click();
  await expect(item).toHaveCount(0);
});

test("many are previewed, changed, and told one by one", async ({ page, goto, customer, api }) => {
  await made(api, customer.id, ["Ada", "Bea"]);
  await goto(`/users?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Users" });
  await page.getByText("Change many at once").click();
  await table.getByRole("checkbox", { name: "Tick Ada" }).check();
  await page.getByRole("combobox", { name: "What", exact: true }).selectOption("deactivate");
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Deactivate" })).toBeVisible();
  const people = page.getByRole("table", { name: "People" });
  await expect(people.getByRole("row", { name: /Ada/ })).toContainText("Will be done");
  await expect(people.getByRole("row")).toHaveCount(2);
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(people.getByRole("row", { name: /Ada/ })).toContainText("Done");
  await people.getByRole("link", { name: "Ada" }).click();
  await expect(page.getByRole("main")).toContainText("Inactive");
});

test("all of a list are changed without the browser code", async ({ plain, customer, api }) => {
  await made(api, customer.id, ["Ada", "Bea"]);
  await plain.goto(`/users?customer=${customer.id}`);
  await plain.getByText("Change many at once").click();
  await plain.getByLabel(/of this list, on every page/).check();
  await plain.getByRole("combobox", { name: "What", exact: true }).selectOption("protect");
  await plain.getByRole("button", { name: "Preview" }).click();
  await expect(plain.getByText("It would be done to 2 users of 2.")).toBeVisible();
  await plain.getByRole("button", { name: "Apply" }).click();
  await expect(plain.getByText("Done to 2 users.")).toBeVisible();
});

test("a grid and a bulk change fit on a narrow screen", async ({ page, goto, customer, api }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await made(api, customer.id, ["Ada"]);
  await goto(`/users?customer=${customer.id}`);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
  expect(await wide()).toBeLessThanOrEqual(390);
  await page.getByText("Change many at once").click();
  await axeFindsNothing(page);
  expect(await wide()).toBeLessThanOrEqual(390);
});
