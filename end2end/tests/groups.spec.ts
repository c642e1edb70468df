import fs from "node:fs/promises";

import { axeFindsNothing } from "../audit";
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

test("a group made here is changed, goes into the bin and comes back", async ({ page, goto, customer, api }) => {
  const group = await api.post<{ id: string }>(`/customers/${customer.id}/groups`, { display_name: "Board" });
  const ada = await api.post<{ id: string }>(`/customers/${customer.id}/users`, {
    display_name: "Ada Lovelace",
    user_principal_name: "ada@contoso.example",
    group_ids: [group.id],
  });
  expect(ada.id).toBeTruthy();
  await goto(`/groups/${group.id}`);

  await test.step("edit", async () => {
    await page.getByRole("main").getByRole("link", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Group" });
    await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("Board");
    await dialog.getByLabel("Name", { exact: true }).fill("");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("Name", { exact: true }).fill("Board of 2027");
    await dialog.getByLabel("Description").fill("Decides");
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Board of 2027" })).toBeVisible();
    await expect(page.getByRole("table", { name: "Members" })).toContainText("Ada Lovelace");
  });

  await test.step("into the bin", async () => {
    await page.getByRole("main").getByRole("link", { name: "Delete", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Delete Board of 2027" });
    await expect(dialog).toContainText("for 30 days");
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("region", { name: "Bin" })).toContainText("In the bin");
    await goto(`/groups?customer=${customer.id}`);
    await expect(page.getByRole("link", { name: "Board of 2027" })).toHaveCount(0);
  });

  await test.step("and back, with its members", async () => {
    await goto(`/groups?customer=${customer.id}&status=deleted`);
    await page.getByRole("row", { name: /Board of 2027/ }).getByRole("button", { name: "Restore" }).click();
    await expect(page.getByText("Board of 2027 is back")).toBeVisible();
    await goto(`/groups/${group.id}`);
    await expect(page.getByRole("table", { name: "Members" })).toContainText("Ada Lovelace");
    await expect(page.getByRole("main").getByRole("link", { name: "Edit", exact: true })).toBeVisible();
  });
});
