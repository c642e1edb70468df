import fs from "node:fs/promises";

import type { Page } from "@playwright/test";

import type { Api, Customer } from "../api";
import { axeFindsNothing } from "../audit";
import { parseCsv } from "../csv";
import { expect, hydrated, test } from "../fixtures";
import { held, kept, type Control, type Tenant } from "../simulator";

/** A run that holds the going of some people, and how many they are. */
async function heldRun(api: Api, control: Control, customer: Customer, tenant: Tenant) {
  const integration = await api.synced(customer, tenant);
  const number = await held(control);
  const run = await api.run(integration, "delta", ["held"]);
  return { integration, run, number };
}

function about(page: Page) {
  return page.getByRole("complementary", { name: "About this run" });
}

test("a run tells what it read, what it did, and what it kept out", async ({ page, goto, customer, tenant, control, api }) => {
  const integration = await api.connected(customer, tenant);
  const run = await api.run(integration);
  const counts = await api.get<{ counts: { object_type: string; total: number; created: number; filtered: number }[] }>(
    `/runs/${run.id}`,
  );
  const users = counts.counts.find((line) => line.object_type === "user")!;

  await goto(`/integrations/${integration.id}/sync-history`);
  await page.getByRole("table", { name: "Sync History" }).getByRole("row").nth(1).getByRole("link").first().click();
  await expect(page).toHaveURL(`/runs/${run.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Full sync");
  await expect(page.getByRole("main")).toContainText("Succeeded");
  const row = page.getByRole("region", { name: /Counts/ }).getByRole("row", { name: /^User/ });
  await expect(row).toContainText(new Intl.NumberFormat("en").format(users.total));
  await expect(row).toContainText(new Intl.NumberFormat("en").format(users.created));

  const aside = about(page);
  await expect(aside).toContainText(customer.name);
  await expect(aside).toContainText("API token, end2end");
  await expect(aside).toContainText("Requests");
  await expect(aside).toContainText("Resource units");

  await test.step("each object that was kept out has its reason", async () => {
    await page.getByText("Status", { exact: true }).first().click();
    await page.getByRole("list", { name: "Status" }).getByRole("link", { name: "Filtered" }).click();
    await page.getByRole("searchbox", { name: "Search Changes" }).fill("Newsletter");
    await expect(page.getByRole("row", { name: /Newsletter/ })).toContainText("Distribution list: cannot be synced");
  });

  await test.step("the next one shows before and after", async () => {
    const everyone = await api.all<{ external_id: string; display_name: string; status: string }>(
      `/customers/${customer.id}/users`,
    );
    const user = everyone.find((one) => one.status === "active");
    await control.update(user!.external_id, { displayName: "Renamed Person" });
    const next = await api.run(integration, "delta");
    await goto(`/runs/${next.id}`);
    const changed = page.getByRole("table", { name: "Changes" }).getByRole("row", { name: /Renamed Person/ });
    await expect(changed).toContainText("Update");
    await expect(changed).toContainText("Applied");
    await expect(changed).toContainText(user!.display_name);
  });
});

test("a run that fails names the cause and the fix, with the code beside it", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  await control.expireSecrets();
  const run = await api.run(integration, "full", ["failed"]);

  await goto(`/runs/${run.id}`);
  await expect(page.getByRole("main")).toContainText("Failed");
  const aside = about(page);
  await expect(aside).toContainText("AADSTS7000222");
  await expect(aside).toContainText(/expired/i);
  await expect(aside).toContainText("To fix it:");

  await goto(`/integrations?customer=${customer.id}`);
  await expect(page.getByRole("table", { name: "Integrations" }).getByRole("row").nth(1)).toContainText("Failed");
  await goto(`/?customer=${customer.id}`);
  await expect(page.getByRole("main")).toContainText("Failing");
});

test("held changes are approved, with a reason, once", async ({ page, goto, customer, tenant, control, api, browser }) => {
  const { run, number } = await heldRun(api, control, customer, tenant);
  await goto(`/runs/${run.id}`);
  const approve = about(page).getByRole("button", { name: `Approve, disable ${number} users` });
  await expect(about(page)).toContainText(`Disable these ${number} users?`);
  await expect(about(page)).toContainText("Deleted in the source, can be restored there");
  await expect(about(page)).toContainText("memberships go with them");

  await test.step("what is held can be looked through", async () => {
    await about(page).getByRole("link", { name: "Look through them" }).click();
    await expect(page).toHaveURL(/type=user&status=held/);
    await expect(page.getByRole("table", { name: "Changes" }).getByRole("row")).toHaveCount(number + 1);
  });

  await test.step("without a reason nothing is decided", async () => {
    await approve.click();
    const reason = about(page).getByRole("textbox", { name: "Reason" });
    await expect(reason).toHaveAccessibleDescription(/Say why/);
    await reason.fill("T-1001 🙂");
  });

  // Somebody else has the same page open.
  const other = await browser.newContext({ storageState: await page.context().storageState() });
  const late = await other.newPage();
  await late.goto(page.url());
  await hydrated(late);

  await test.step("approved, it goes on and ends", async () => {
    await approve.click();
    await expect(about(page)).toContainText("Approved: user");
    await expect(about(page)).toContainText("T-1001 🙂");
    await expect(page.getByRole("heading", { level: 1 }).locator("..")).toContainText("Succeeded");
    await expect(about(page).getByRole("button")).toHaveCount(0);
    await page.goBack();
    await expect(about(page)).toContainText("Approved: user");
    const ended = await api.get<{ status: string; counts: { object_type: string; disabled: number }[] }>(`/runs/${run.id}`);
    expect(ended.status).toBe("succeeded");
    expect(ended.counts.find((line) => line.object_type === "user")!.disabled).toBe(number);
  });

  await test.step("whoever comes second hears who was first", async () => {
    await about(late).getByRole("textbox", { name: "Reason" }).fill("Too late");
    await about(late).getByRole("button", { name: /^Reject/ }).click();
    await expect(late.getByRole("alert")).toContainText("approved this already");
    await expect(about(late)).toContainText("Approved: user");
    await other.close();
  });
});

test("a rejection stands, and is taken back", async ({ page, goto, customer, tenant, control, api }) => {
  const { integration, run, number } = await heldRun(api, control, customer, tenant);
  await goto(`/runs/${run.id}`);
  await about(page).getByRole("textbox", { name: "Reason" }).fill("They come back on Monday");
  await about(page).getByRole("button", { name: `Reject, keep ${number} users Active` }).click();
  await expect(page.getByRole("main")).toContainText(`${number} users stay as before: that was rejected.`);
  expect((await api.run(integration, "delta", ["nothing_to_do"])).status).toBe("nothing_to_do");
  await about(page).getByRole("button", { name: "Take back" }).click();
  await expect(about(page)).toContainText("Taken back by");
  const again = await api.run(integration, "delta", ["held"]);

  await test.step("a newer run takes the place of a held one, which says so", async () => {
    await held(control, 1);
    const newer = await api.run(integration, "delta", ["held"]);
    await goto(`/runs/${again.id}`);
    await expect(about(page)).toContainText("A newer run took its place");
    await about(page).getByRole("link", { name: "Decide there" }).click();
    await expect(page).toHaveURL(`/runs/${newer.id}`);
    await expect(about(page)).toContainText(`Disable these ${number + 1} users?`);
  });
});

test("a preview changes nothing, and is applied exactly as it was shown", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  const user = kept(await control.snapshot()).find((one) => one.account_enabled)!;
  await control.update(user.id, { displayName: "Renamed Person" });
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
  const run = page.url();
  const changed = page.getByRole("table", { name: "Changes" }).getByRole("row", { name: /Renamed Person/ });

  await test.step("it shows what would be, and nothing is changed", async () => {
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Preview");
    await expect(about(page)).toContainText("A preview of the saved settings");
    await expect(about(page)).toContainText("It can be applied until");
    await expect(changed).toContainText("Update");
    await expect(changed).toContainText("Planned");
    const renamed = await api.all(`/customers/${customer.id}/users?q=Renamed`);
    expect(renamed).toEqual([]);
    await goto(`/integrations/${integration.id}/sync-history`);
    const row = page.getByRole("table", { name: "Sync History" }).getByRole("row").nth(1);
    await expect(row).toContainText("Preview, Olga Owner");
    await expect(row).toContainText("nothing was changed");
    await goto(run);
  });

  await test.step("every change is in the CSV, before and after", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export to CSV" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("run-changes.csv");
    const lines = parseCsv(await fs.readFile(await download.path(), "utf8"));
    const line = lines.find((one) => one["Object Id"] === user.id && one["Attribute"] === "display name");
    expect(line).toMatchObject({ Type: "User", Action: "Update", Status: "Planned", After: "Renamed Person" });
  });

  await test.step("applied, it is so", async () => {
    await about(page).getByRole("link", { name: "Apply exactly this" }).click();
    const dialog = page.getByRole("dialog", { name: "Apply exactly this?" });
    await expect(dialog).toContainText("1 user");
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Apply exactly this" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("heading", { level: 1 }).locator("..")).toContainText("Succeeded");
    await expect(about(page)).toContainText("It was applied as it was shown.");
    await expect(changed).toContainText("Applied");
    expect(await api.all(`/customers/${customer.id}/users?q=Renamed`)).toHaveLength(1);
  });
});

test("settings are previewed before they are saved, and saved when that is applied", async ({
  page,
  goto,
  customer,
  tenant,
  api,
}) => {
  const { id } = await api.connected(customer, tenant);
  const guests = async () =>
    (await api.get<{ policy: { include_guests: boolean } }>(`/integrations/${id}`)).policy.include_guests;
  await goto(`/integrations/${id}`);
  await page.getByRole("switch", { name: /Include guests/ }).check();
  const preview = page.getByRole("button", { name: "Preview of what is filled in" });

  await test.step("what is wrong is blamed at its field", async () => {
    const minutes = page.getByRole("textbox", { name: "Minutes between two runs" });
    await minutes.fill("soon");
    await preview.click();
    await expect(minutes).toHaveAccessibleDescription(/whole number/);
    await minutes.fill("5");
  });

  await test.step("the preview names the settings, and saves none", async () => {
    await preview.click();
    await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
    await expect(about(page)).toContainText("A preview of settings that aren’t saved");
    await expect(about(page)).toContainText("Guests");
    await expect(about(page)).toContainText("It can be applied until");
    expect(await guests()).toBe(false);
  });

  await test.step("the way back has them filled in, and they can be discarded", async () => {
    const run = page.url();
    await about(page).getByRole("link", { name: "Back to these settings" }).click();
    await expect(page.getByRole("note")).toContainText("These settings come from a preview");
    await expect(page.getByRole("switch", { name: /Include guests/ })).toBeChecked();
    await expect(page.getByText("1 unsaved change")).toBeVisible();
    await page.getByRole("button", { name: "Discard" }).click();
    await expect(page.getByRole("switch", { name: /Include guests/ })).not.toBeChecked();
    await goto(run);
  });

  await test.step("applied, they are saved", async () => {
    await about(page).getByRole("link", { name: "Apply exactly this" }).click();
    const dialog = page.getByRole("dialog", { name: "Apply exactly this?" });
    await expect(dialog).toContainText("The settings are saved with it: Guests.");
    await dialog.getByRole("button", { name: "Apply exactly this" }).click();
    await expect(page.getByRole("heading", { level: 1 }).locator("..")).toContainText("Succeeded");
    await expect(about(page)).toContainText("It was applied as it was shown.");
    expect(await guests()).toBe(true);
    await goto(`/integrations/${id}`);
    await expect(page.getByRole("switch", { name: /Include guests/ })).toBeChecked();
    await expect(page.getByText("Nothing was read from this tenant yet")).toBeHidden();
  });
});
