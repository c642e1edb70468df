import fs from "node:fs/promises";

import { EVERY_TYPE } from "../api";
import { axeFindsNothing } from "../audit";
import { parseCsv } from "../csv";
import { expect, test } from "../fixtures";

interface Contact {
  id: string;
  external_id: string;
  display_name: string;
  mail: string | null;
}

test("contacts come once a policy has them, and the guard then asks for their limit", async ({
  page,
  goto,
  customer,
  tenant,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  await goto(`/contacts?customer=${customer.id}`);
  await expect(page.getByRole("heading", { name: "No contacts yet" })).toBeVisible();
  await axeFindsNothing(page);
  await page.getByRole("main").getByRole("link", { name: "Integrations" }).click();
  await expect(page).toHaveURL(/\/integrations\?customer=/);

  await goto(`/integrations/${integration.id}`);
  const limit = page.getByRole("complementary", { name: "Guard" }).getByLabel("Contact: at most");
  await expect(limit).toBeHidden();
  const types = page.getByRole("group", { name: "Object types" });
  await expect(types).toContainText("OrgContact.Read.All");
  await types.getByRole("checkbox", { name: "Contacts" }).check();
  await expect(limit).toBeVisible();
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("was saved")).toBeVisible();

  const run = await api.run(integration);
  const contacts = await api.all<Contact>(`/customers/${customer.id}/contacts`);
  expect(contacts.length).toBeGreaterThan(0);
  await goto(`/contacts?customer=${customer.id}&rows=1000`);
  await expect(page.getByRole("table", { name: "Contacts" }).getByRole("row")).toHaveCount(contacts.length + 1);

  const name = contacts[0]!.display_name;
  await goto(`/runs/${run.id}?type=contact`);
  const changes = page.getByRole("table", { name: "Changes" });
  await changes.getByRole("link", { name, exact: true }).first().click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
});

test("a policy without any object type is refused at its field", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  const types = page.getByRole("group", { name: "Object types" });
  await types.getByRole("checkbox", { name: "Users" }).uncheck();
  await types.getByRole("checkbox", { name: "Groups" }).uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(types).toContainText("Choose at least one object type.");
});

test("contacts are searched, sorted and lead to their page and their groups", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const name = "Þóra Supplier";
  const made = await control.createContact(name, {
    givenName: "Þóra",
    surname: "Supplier",
    mail: "thora@supplier.example",
    companyName: "Northwind",
  });
  await control.createGroup("Purchasing", "security", [made.id]);
  await api.synced(customer, tenant, EVERY_TYPE);

  await goto(`/contacts?customer=${customer.id}`);
  const table = page.getByRole("table", { name: "Contacts" });
  const head = table.getByRole("columnheader", { name: "Name", exact: true });
  await head.getByRole("link").click();
  await expect(head).toHaveAttribute("aria-sort", "descending");
  await page.getByRole("searchbox", { name: "Search Contacts" }).fill("þóra");
  const rows = table.getByRole("row");
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(1)).toContainText("thora@supplier.example");
  await expect(rows.nth(1)).toContainText("Northwind");
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  const attributes = page.getByRole("table", { name: "Attributes" });
  await expect(attributes.getByRole("row", { name: /^Company/ })).toContainText("Northwind");
  await expect(attributes.getByRole("row", { name: /^Object id/ })).toContainText(made.id);

  await page.getByRole("table", { name: "Groups" }).getByRole("link", { name: "Purchasing" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Purchasing" })).toBeVisible();
  const member = page.getByRole("table", { name: "Members" }).getByRole("row", { name: new RegExp(name) });
  await expect(member).toContainText("Contact");
  await member.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
});

test("the CSV holds every contact of the filter", async ({ page, goto, customer, tenant, api }) => {
  await api.synced(customer, tenant, EVERY_TYPE);
  const contacts = await api.all<Contact>(`/customers/${customer.id}/contacts`);
  await goto(`/contacts?customer=${customer.id}`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("contacts.csv");
  const rows = parseCsv(await fs.readFile(await download.path(), "utf8"));
  expect(rows.map((row) => row["Object Id"]).sort()).toEqual(contacts.map((one) => one.external_id).sort());
});
