import fs from "node:fs/promises";

import { axeFindsNothing } from "../audit";
import { parseCsv } from "../csv";
import { expect, OWNER, rollcall, test } from "../fixtures";

test("what somebody changes on a page is found with before and after, and exported", async ({ page, goto, customer, unique }) => {
  const renamed = unique("Renamed");
  await goto(`/customers/${customer.id}/rename`);
  const dialog = page.getByRole("dialog", { name: "Rename Customer" });
  await dialog.getByLabel("Name").fill(renamed);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: renamed })).toBeVisible();

  const table = page.getByRole("table", { name: "Audit Log" });
  const rows = table.getByRole("row");

  await test.step("the list of one customer", async () => {
    await goto(`/audit-log?customer=${customer.id}`);
    await expect(rows).toHaveCount(3);
    await expect(rows.nth(1)).toContainText("Customer changed");
    await expect(rows.nth(1)).toContainText(OWNER.name);
    await expect(rows.nth(2)).toContainText("Customer added");
    await page.getByRole("link", { name: "Time", exact: true }).click();
    await expect(rows.nth(1)).toContainText("Customer added");
    await page.getByRole("link", { name: "Time", exact: true }).click();
    await expect(rows.nth(1)).toContainText("Customer changed");
  });

  await test.step("filters and search", async () => {
    await page.getByText("Who", { exact: true }).first().click();
    await page.getByRole("list", { name: "Who" }).getByRole("link", { name: "API token" }).click();
    await expect(rows).toHaveCount(2);
    await expect(rows.nth(1)).toContainText("Customer added");
    await page.getByRole("link", { name: "Clear filter Who: API token" }).click();
    await page.getByText("Action", { exact: true }).first().click();
    await page.getByRole("list", { name: "Action" }).getByRole("link", { name: "Customer changed" }).click();
    await expect(rows).toHaveCount(2);
    await page.getByRole("link", { name: "Clear filter Action: Customer changed" }).click();
    await expect(rows).toHaveCount(3);
    const search = page.getByRole("searchbox", { name: "Search Audit Log" });
    await search.fill("no such thing anywhere");
    await expect(page.getByRole("heading", { name: "No entries match" })).toBeVisible();
    await search.fill(OWNER.name);
    await expect(rows).toHaveCount(2);
    await search.fill("");
    await expect(rows).toHaveCount(3);
  });

  await test.step("one entry", async () => {
    await table.getByRole("link", { name: "Customer changed" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Customer changed" })).toBeVisible();
    const changes = page.getByRole("table", { name: "Before and after" });
    await expect(changes.getByRole("row", { name: "name" }).getByRole("cell")).toHaveText([customer.name, renamed]);
    await expect(page.getByRole("main")).toContainText(`${OWNER.name}, Operator`);
    await axeFindsNothing(page);
    await page.getByRole("link", { name: "All about this object" }).click();
    await expect(page.getByRole("link", { name: `Clear filter About: ${renamed}` })).toBeVisible();
    await expect(rows).toHaveCount(3);
  });

  await test.step("the file, which is an entry itself", async () => {
    await goto(`/audit-log?customer=${customer.id}`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export to CSV" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("audit-log.csv");
    const lines = parseCsv(await fs.readFile(await download.path(), "utf8"));
    expect(lines.map((line) => line["Action"])).toEqual(["Audit log exported", "Customer changed", "Customer added"]);
    expect(JSON.parse(lines[1]!["Before"]!)).toEqual({ name: customer.name });
    await goto(`/audit-log?customer=${customer.id}`);
    await expect(rows.nth(1)).toContainText("Audit log exported");
  });
});

test("the log is read before the browser code has loaded, and still holds", async ({ plain, customer, api }) => {
  await api.patch(`/customers/${customer.id}`, { time_zone: "Europe/Amsterdam" });
  await plain.goto(`/audit-log?customer=${customer.id}`);
  const table = plain.getByRole("table", { name: "Audit Log" });
  await table.getByRole("link", { name: "Customer changed" }).click();
  const changes = plain.getByRole("table", { name: "Before and after" });
  await expect(changes.getByRole("row", { name: "time_zone" }).getByRole("cell")).toHaveText(["UTC", "Europe/Amsterdam"]);
  expect(await rollcall(["audit", "verify"])).toContain("The audit log holds");
});
