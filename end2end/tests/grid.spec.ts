import { axeFindsNothing } from "../audit";
import { expect, hydrated, invite, test } from "../fixtures";

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

test("a shared view is found by a second operator, who can’t change it", async ({ page, goto, browser, customer, api, unique }) => {
  test.setTimeout(90_000);
  await made(api, customer.id, ["Ada"]);
  const name = unique("Inactive people");
  await goto(`/users?customer=${customer.id}&status=inactive`);
  await page.locator("summary").filter({ hasText: "Views" }).click();
  await page.getByLabel("Save this view as").fill(name);
  await page.getByLabel("Shared with those who look after the same customers").check();
  await page.getByRole("button", { name: "Save view" }).click();
  await expect(page.getByRole("status").filter({ hasText: "saved" })).toBeVisible();

  const email = `${unique("second").replaceAll(" ", ".")}@end2end.example`.toLowerCase();
  const password = "seven small green teapots";
  const link = new URL(await invite(browser, unique("Second Operator"), email));
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const other = await context.newPage();
  await other.goto(link.pathname + link.search);
  await hydrated(other);
  await other.getByLabel("New password", { exact: true }).fill(password);
  await other.getByLabel("New password again").fill(password);
  await other.getByRole("button", { name: "Set password" }).click();
  await expect(other).toHaveURL("/sign-in");
  await hydrated(other);
  await other.getByLabel("E-mail").fill(email);
  await other.getByLabel("Password").fill(password);
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(other).not.toHaveURL(/sign-in/);

  await other.goto(`/users?customer=${customer.id}&view=all`);
  await hydrated(other);
  await other.locator("summary").filter({ hasText: "Views" }).click();
  const view = other.getByRole("list", { name: "Views" }).getByRole("link", { name });
  await expect(view).toContainText("Shared");
  await view.click();
  await expect(other).toHaveURL(/status=inactive/);
  await other.goBack();
  await expect(other).toHaveURL(/view=all/);
  await other.goto(`/users/views?customer=${customer.id}&view=all`);
  await hydrated(other);
  const item = other.getByRole("dialog", { name: "Manage views" }).getByRole("listitem").filter({ hasText: name });
  await expect(item).toContainText("by Olga Owner");
  await expect(item.getByRole("button", { name: "Delete view" })).toHaveCount(0);
  await context.close();
});

test("guests are told from others, made here and synced", async ({ page, goto, customer, tenant, control, api }) => {
  await control.createUser("Gerda", "Guest");
  const [gerda] = (await control.snapshot()).users.filter((user) => user.display_name === "Gerda Guest");
  await control.update(gerda!.id, { userType: "Guest" });
  await api.synced(customer, tenant, { policy: { include_guests: true } });
  await goto(`/users/add?customer=${customer.id}`);
  const dialog = page.getByRole("dialog", { name: "Add User" });
  await dialog.getByLabel("Display name").fill("Gus Guest");
  await dialog.getByLabel("User name").fill("gus@partner.example");
  await dialog.getByLabel("Guest").check();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Gus Guest" })).toBeVisible();
  await expect(page.getByRole("main").getByText("Guest", { exact: true }).first()).toBeVisible();
  const table = page.getByRole("table", { name: "Users" });
  await goto(`/users?customer=${customer.id}&guest=true&q=guest`);
  await expect(table.getByRole("row", { name: /Gus Guest/ })).toBeVisible();
  await expect(table.getByRole("row", { name: /Gerda Guest/ })).toBeVisible();
  await goto(`/users?customer=${customer.id}&guest=false&q=guest`);
  await expect(page.getByRole("main")).not.toContainText("Gus Guest");
});

test("names of 256 emoji stay on the page, in lists, dialogs and a bulk change", async ({ page, goto, customer, api }) => {
  const name = "😀".repeat(256);
  const user = await api.post<{ id: string }>(`/customers/${customer.id}/users`, {
    display_name: name,
    user_principal_name: "smile@contoso.example",
  });
  const group = await api.post<{ id: string }>(`/customers/${customer.id}/groups`, { display_name: name });
  const fits = async () => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide, page.url()).toBeLessThanOrEqual(0);
  };
  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(size);
    for (const path of [
      `/users?customer=${customer.id}`,
      `/groups?customer=${customer.id}`,
      `/users/${user.id}`,
      `/users/${user.id}/edit`,
      `/users/${user.id}/groups`,
      `/users/${user.id}/delete`,
      `/groups/${group.id}`,
      `/groups/${group.id}/edit`,
      `/groups/${group.id}/delete`,
    ]) {
      await goto(path);
      await fits();
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await goto(`/users?customer=${customer.id}`);
  await page.getByRole("checkbox", { name: `Tick ${name}` }).check();
  await page.getByRole("combobox", { name: "What", exact: true }).selectOption({ label: "Add to a group" });
  await page.getByLabel("Group, for those two").selectOption({ label: name });
  await fits();
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByText("It would be done to 1 user of 1.")).toBeVisible();
  await fits();
  await axeFindsNothing(page);
});
