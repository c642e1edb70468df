import fs from "node:fs/promises";

import type { Api, Integration } from "../api";
import { parseCsv } from "../csv";
import { expect, test } from "../fixtures";
import type { Control } from "../simulator";

/** As many runs as fill more than one page of 50 lines; three lines each. */
const RUNS = 18;

const COLUMNS = [
  "Start Time",
  "End Time",
  "Type",
  "Total Objects",
  "Objects Changed",
  "Objects Deleted",
  "Objects Filtered",
  "Status",
];

/** Runs that each find something, since those that find nothing become one line. */
async function runs(api: Api, control: Control, integration: Integration, count: number) {
  for (let i = 0; i < count; i += 1) {
    await control.createUser("Run", `Number${String.fromCharCode(97 + i)}`);
    await api.run(integration, i % 2 === 0 ? "full" : "delta");
  }
}

test("the history is paged, searched and exported whole", async ({ page, goto, customer, tenant, control, api }) => {
  test.setTimeout(120_000);
  // No run of its own comes among those that are counted.
  const weekly = { schedule: { every_minutes: 10_080 } };
  const integration = await api.connected(customer, tenant, weekly);
  await runs(api, control, integration, RUNS);

  await goto(`/sync-history?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Sync History" });
  const rows = table.getByRole("row");
  for (const column of COLUMNS) {
    await expect(table.getByRole("columnheader", { name: column, exact: true })).toBeVisible();
  }
  const total = Number(/(\d+) lines/.exec((await page.getByText(/^\d+ lines$/).textContent()) ?? "")?.[1]);
  expect(total).toBeGreaterThan(50);

  await test.step("rows per page", async () => {
    await expect(rows).toHaveCount(51);
    const perPage = page.getByRole("navigation", { name: "Rows per page" });
    await expect(perPage.getByRole("link")).toHaveText(["50", "100", "1,000"]);
    await page.getByRole("link", { name: "Next page" }).click();
    await expect(rows).toHaveCount(total - 50 + 1);
    await perPage.getByRole("link", { name: "100", exact: true }).click();
    await expect(rows).toHaveCount(total + 1);
    await perPage.getByRole("link", { name: "1,000" }).click();
    await expect(rows).toHaveCount(total + 1);
  });

  await test.step("search and filters", async () => {
    const search = page.getByRole("searchbox", { name: "Search Sync History" });
    await search.fill("no such thing anywhere");
    await expect(page.getByRole("heading", { name: "No runs match" })).toBeVisible();
    await search.fill(customer.name);
    await expect(rows).toHaveCount(total + 1);
    await page.getByText("Type", { exact: true }).first().click();
    await page.getByRole("list", { name: "Type" }).getByRole("link", { name: "Group" }).click();
    await expect(rows).toHaveCount(RUNS + 1);
    await page.getByRole("link", { name: "Clear filter Type: Group" }).click();
    await expect(rows).toHaveCount(total + 1);
  });

  await test.step("every matching row is in the CSV, whatever the page shows", async () => {
    await goto(`/sync-history?customer=${customer.id}&type=user`);
    await expect(page.getByText(`${RUNS} lines`)).toBeVisible();
    for (const [path, count] of [
      [`/sync-history?customer=${customer.id}`, total],
      [`/sync-history?customer=${customer.id}&type=user`, RUNS],
    ] as const) {
      await goto(path);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Export to CSV" }).click(),
      ]);
      expect(download.suggestedFilename()).toBe("sync-history.csv");
      const lines = parseCsv(await fs.readFile(await download.path(), "utf8"));
      expect(lines).toHaveLength(count);
      expect(Object.keys(lines[0]!).slice(0, COLUMNS.length)).toEqual(COLUMNS);
      expect(new Set(lines.map((line) => line["Customer"]))).toEqual(new Set([customer.name]));
      for (const line of lines) {
        expect(line["Start Time"]).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
        expect(line["Total Objects"]).toMatch(/^\d+$/);
      }
    }
  });

  await test.step("the tab of one integration shows the same", async () => {
    await goto(`/integrations/${integration.id}/sync-history?rows=100`);
    await expect(rows).toHaveCount(total + 1);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export to CSV" }).click(),
    ]);
    expect(parseCsv(await fs.readFile(await download.path(), "utf8"))).toHaveLength(total);
  });
});

test("names that a spreadsheet would run are made harmless", async ({ page, goto, tenant, unique, api }) => {
  const name = unique("=1+1&cmd|'/C calc'!A0");
  const customer = await api.customer(name);
  await api.synced(customer, tenant);
  await goto(`/sync-history?q=${encodeURIComponent(name)}`);
  await expect(page.getByRole("table", { name: "Sync History" }).getByRole("row").nth(1)).toContainText("Succeeded");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  const lines = parseCsv(await fs.readFile(await download.path(), "utf8"));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expect(line["Customer"]).toBe(`'${name}`);
  }
});

test("a run that a program started keeps its own line, though it found nothing", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);
  for (let i = 0; i < 3; i += 1) {
    await api.run(integration, "delta");
  }
  await goto(`/integrations/${integration.id}/sync-history`);
  const runs = page.getByRole("table", { name: "Sync History" }).getByRole("row", { name: /Delta.*User/ });
  await expect(runs).toHaveCount(3);
  for (const row of await runs.all()) {
    await expect(row).toContainText("Nothing to do");
  }
});
