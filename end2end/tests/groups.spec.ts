import fs from "node:fs/promises";

import { parseCsv } from "../csv";
import { expect, test } from "../fixtures";

interface Group {
  id: string;
  external_id: string;
  display_name: string;
  kind: string;
  user_count: number;
}

test("groups are searched, filtered and sorted, with their User Count", async ({ page, goto, customer, tenant, api }) => {
  await api.synced(customer, tenant);
  const groups = await api.all<Group>(`/customers/${customer.id}/groups`);
  expect(groups.map((group) => group.kind)).not.toContain("distribution");

  await goto(`/groups?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Groups" });
  const rows = table.getByRole("row");
  await expect(page.getByText(`${groups.length} groups`)).toBeVisible();
  await expect(rows).toHaveCount(groups.length + 1);

  const most = Math.max(...groups.map((group) => group.user_count));
  const largest = groups.filter((group) => group.user_count === most).map((group) => group.display_name);
  await table.getByRole("columnheader", { name: "User Count" }).getByRole("link").click();
  await expect(table.getByRole("columnheader", { name: "User Count" })).toHaveAttribute("aria-sort", "descending");
  await expect(rows.nth(1)).toContainText(String(most));
  expect(largest).toContain(await rows.nth(1).getByRole("link").innerText());

  await page.getByText("Kind", { exact: true }).first().click();
  await page.getByRole("list", { name: "Kind" }).getByRole("link", { name: "Microsoft 365" }).click();
  const unified = groups.filter((group) => group.kind === "microsoft_365");
  await expect(rows).toHaveCount(unified.length + 1);
  await page.getByRole("link", { name: /^Clear filter Kind/ }).click();

  await page.getByRole("searchbox", { name: "Search Groups" }).fill("aurora");
  await expect(rows).toHaveCount(2);
  await page.getByRole("link", { name: "Project Aurora" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Project Aurora" })).toBeVisible();
});

test("the members of a group are searched and paged", async ({ page, goto, customer, tenant, api }) => {
  await api.synced(customer, tenant);
  const group = (await api.all<Group>(`/customers/${customer.id}/groups?q=All%20employees`))[0]!;
  const members = await api.all<{ display_name: string }>(`/groups/${group.id}/members`);

  await goto(`/groups/${group.id}`);
  await expect(page.getByText(`${members.length} members`)).toBeVisible();
  const rows = page.getByRole("table", { name: "Members" }).getByRole("row");
  await expect(rows).toHaveCount(Math.min(members.length, 50) + 1);
  const wanted = members.find((member) => /^[A-Za-z ]+$/.test(member.display_name))!;
  await page.getByRole("searchbox", { name: "Search Members" }).fill(wanted.display_name);
  await expect(page.getByRole("link", { name: wanted.display_name, exact: true }).first()).toBeVisible();
  await page.getByRole("searchbox", { name: "Search Members" }).fill("nobody of that name");
  await expect(page.getByRole("heading", { name: "No members match" })).toBeVisible();
});

test("the CSV holds every group", async ({ page, goto, customer, tenant, api }) => {
  await api.synced(customer, tenant);
  const groups = await api.all<Group>(`/customers/${customer.id}/groups`);
  await goto(`/groups?customer=${customer.id}`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  const rows = parseCsv(await fs.readFile(await download.path(), "utf8"));
  expect(rows.map((row) => row["Object Id"]).sort()).toEqual(groups.map((one) => one.external_id).sort());
});
