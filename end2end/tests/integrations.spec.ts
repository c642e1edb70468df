import type { Locator, Page } from "@playwright/test";

import { axeFindsNothing } from "../audit";
import { expect, hydrated, test } from "../fixtures";
import { kept } from "../simulator";

/** Long enough to watch a run, to press twice and to cancel. */
const SLOW_MS = 5_000;

function toast(page: Page, text: string | RegExp): Locator {
  return page.getByRole("status").filter({ hasText: text });
}

test("an integration is tested before it is saved, then added", async ({ page, goto, customer, tenant, api, unique }) => {
  const wrong = await api.profile(customer, tenant, unique("Wrong secret"), "not~the.secret");
  const right = await api.profile(customer, tenant, unique("Right secret"));

  await goto(`/integrations?customer=${customer.id}`);
  await page.getByRole("link", { name: "Add New Integration" }).click();
  const dialog = page.getByRole("dialog", { name: "Add New Integration" });
  await expect(dialog.getByLabel("Customer")).toHaveValue(customer.id);
  await expect(dialog.getByLabel("Type")).toHaveValue("entra_id");
  await expect(dialog.getByRole("switch", { name: "Enabled" })).toBeChecked();
  const tested = dialog.getByRole("button", { name: "Test Connection" });
  const checks = dialog.getByRole("list", { name: "Checks" });

  await test.step("nothing filled in is blamed, not tried", async () => {
    await tested.click();
    await expect(dialog.getByRole("region", { name: "Test Connection" }).getByRole("alert")).toBeVisible();
    await expect(checks).toBeHidden();
  });

  await dialog.getByLabel("Azure Cloud").selectOption({ label: "Entra simulator" });

  await test.step("an unknown tenant is named as such, with its fix", async () => {
    await dialog.getByLabel("Tenant").fill("nobody.onmicrosoft.example");
    await dialog.getByLabel("Credential Profile").selectOption(right.id);
    await tested.click();
    await expect(dialog.getByText(/\d+ of \d+ checks failed/).first()).toBeVisible();
    const failed = checks.getByRole("listitem").filter({ hasText: ": Failed" });
    await expect(failed.first()).toContainText(/tenant/i);
    await expect(failed.first()).toContainText("To fix it:");
  });

  await test.step("a wrong secret is named as such, with its fix", async () => {
    await dialog.getByLabel("Tenant").fill(tenant.domain);
    await dialog.getByLabel("Credential Profile").selectOption(wrong.id);
    await tested.click();
    const failed = checks.getByRole("listitem").filter({ hasText: ": Failed" });
    await expect(failed).toHaveCount(1);
    await expect(failed).toContainText("AADSTS7000215");
    await expect(failed).toContainText(/secret/i);
    await expect(failed).toContainText("To fix it:");
    // What came before it was fine, what comes after it was not tried.
    await expect(checks.getByRole("listitem").filter({ hasText: ": Passed" })).not.toHaveCount(0);
    await expect(checks.getByRole("listitem").filter({ hasText: ": Skipped" })).not.toHaveCount(0);
    await axeFindsNothing(page);
  });

  await test.step("with the right one every check passes", async () => {
    await dialog.getByLabel("Credential Profile").selectOption(right.id);
    await tested.click();
    await expect(dialog.getByText(/all \d+ checks passed/).first()).toBeVisible();
    await expect(checks.getByRole("listitem").filter({ hasText: ": Failed" })).toHaveCount(0);
    await expect(toast(page, tenant.display_name)).toBeVisible();
  });

  await test.step("add", async () => {
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page).toHaveURL(/\/integrations\/[0-9a-f-]{36}$/);
    await expect(page.getByText("Nothing was read from this tenant yet")).toBeVisible();
    await expect(page.getByRole("switch", { name: /Perform a full scan on next run/ })).toBeChecked();
  });

  await test.step("the list shows it", async () => {
    await goto(`/integrations?customer=${customer.id}`);
    const table = page.getByRole("table", { name: "Integrations" });
    for (const column of ["Name", "Enabled", "Profile", "Last Sync Start", "Last Sync Status"]) {
      await expect(table.getByRole("columnheader", { name: column, exact: true })).toBeVisible();
    }
    const row = table.getByRole("row").nth(1);
    await expect(row).toContainText(tenant.domain);
    await expect(row).toContainText("Yes");
    await expect(row).toContainText(right.name);
    await expect(row).toContainText("Not started");
  });
});

test("a tenant that the customer has already is refused", async ({ page, goto, customer, tenant, api, unique }) => {
  await api.connected(customer, tenant);
  const profile = await api.profile(customer, tenant, unique("Once more"));
  await goto(`/integrations/add?customer=${customer.id}&tenant=${tenant.domain}&cloud=sim&credential_profile_id=${profile.id}`);
  const dialog = page.getByRole("dialog", { name: "Add New Integration" });
  await expect(dialog.getByLabel("Tenant")).toHaveValue(tenant.domain);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByLabel("Tenant")).toHaveAccessibleDescription(/integration with this tenant already/);
});

test("settings are saved, discarded, and asked about when left unsaved", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  const save = page.getByRole("button", { name: "Save" });
  const guests = page.getByRole("switch", { name: /Include guests/ });
  const question = page.getByRole("dialog", { name: /not saved/ });

  await test.step("tenant and cloud can't be edited", async () => {
    await expect(page.getByRole("main")).toContainText(tenant.domain);
    await expect(page.getByText("can’t be changed after creation")).toBeVisible();
    await expect(page.getByRole("textbox", { name: "Tenant" })).toHaveCount(0);
    await expect(page.getByRole("combobox", { name: "Azure Cloud" })).toHaveCount(0);
  });

  await test.step("Save is there only while something differs", async () => {
    await expect(save).toBeHidden();
    await guests.check();
    await expect(save).toBeVisible();
    await expect(page.getByRole("status").filter({ hasText: "Guests" })).toBeVisible();
    await guests.uncheck();
    await expect(save).toBeHidden();
    await guests.check();
    await page.getByRole("button", { name: "Discard" }).click();
    await expect(guests).not.toBeChecked();
    await expect(save).toBeHidden();
  });

  await test.step("leaving with something unsaved asks first", async () => {
    await guests.check();
    await page.getByRole("navigation", { name: "Integration" }).getByRole("link", { name: "Sync History" }).click();
    await expect(question).toBeVisible();
    await axeFindsNothing(page);
    await question.getByRole("button", { name: "Stay" }).click();
    await expect(question).toBeHidden();
    await expect(guests).toBeChecked();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Users" }).click();
    await question.getByRole("button", { name: "Leave without saving" }).click();
    await expect(page).toHaveURL(/\/users/);
    await page.goBack();
    await expect(guests).not.toBeChecked();
  });

  await test.step("a wrong number is blamed at its field", async () => {
    const minutes = page.getByRole("textbox", { name: "Minutes between two runs" });
    await minutes.fill("soon");
    await save.click();
    await expect(minutes).toHaveAccessibleDescription(/whole number/);
    await minutes.fill("15");
  });

  await test.step("what is saved stays", async () => {
    await guests.check();
    await page.getByLabel("Out of scope or deleted").selectOption({ label: "Keep as they are" });
    await save.click();
    await expect(toast(page, "was saved")).toBeVisible();
    await expect(save).toBeHidden();
    await goto(page.url());
    await expect(guests).toBeChecked();
    await expect(page.getByRole("textbox", { name: "Minutes between two runs" })).toHaveValue("15");
    await expect(page.getByLabel("Out of scope or deleted")).toHaveValue("keep");
    await expect(save).toBeHidden();
  });

  await test.step("switched off", async () => {
    await page.getByRole("switch", { name: /Sync this tenant/ }).uncheck();
    await save.click();
    await expect(toast(page, "was saved").first()).toBeVisible();
    await goto(`/integrations?customer=${customer.id}`);
    await expect(page.getByRole("table", { name: "Integrations" }).getByRole("row").nth(1)).toContainText("No");
  });

  await test.step("Test Connection of what is saved", async () => {
    await goto(`/integrations/${integration.id}`);
    await page.getByRole("button", { name: "Test Connection" }).click();
    await expect(page.getByText(/all \d+ checks passed/).first()).toBeVisible();
    await expect(page.getByRole("heading", { level: 1, name: tenant.display_name })).toBeVisible();
  });
});

test("Selected Groups are found by typing, saved together, and decide who comes in", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const snapshot = await control.snapshot();
  const [first, second, third] = kept(snapshot).filter((user) => user.account_enabled);
  await control.createGroup("Harbour Pilots", "security", [first!.id, second!.id]);
  await control.createGroup("Harbour Masters", "microsoft_365", [second!.id, third!.id]);
  await control.createGroup("Harbour News", "distribution", [first!.id]);
  await control.createGroup("Harbour Alarm", "mail_enabled_security", [first!.id]);
  const integration = await api.connected(customer, tenant);

  await goto(`/integrations/${integration.id}`);
  const field = page.getByRole("combobox", { name: "Selected Groups" });
  const found = page.getByRole("listbox", { name: "Groups found" });
  const option = (name: string) => found.getByRole("option", { name });
  const save = page.getByRole("button", { name: "Save" });

  await test.step("it searches from four characters", async () => {
    await field.pressSequentially("har");
    await expect(page.getByText("One more character")).toBeVisible();
    await expect(found.getByRole("option")).toHaveCount(0);
    await field.pressSequentially("b");
    await expect(found.getByRole("option")).toHaveCount(4);
    await expect(page.getByText("4 groups found")).toBeVisible();
  });

  await test.step("each shows its kind and how many are in it", async () => {
    await expect(option("Harbour Pilots")).toContainText("Security");
    await expect(option("Harbour Pilots")).toContainText("2");
    await expect(option("Harbour Masters")).toContainText("Microsoft 365");
  });

  await test.step("what can't be chosen says why", async () => {
    await expect(option("Harbour News")).toHaveAttribute("aria-disabled", "true");
    await expect(option("Harbour News")).toContainText("Distribution list: cannot be synced");
    await option("Harbour News").click({ force: true });
    await expect(option("Harbour Alarm")).toContainText("Mail-enabled security group: cannot be synced");
    await option("Harbour Alarm").click({ force: true });
    await expect(save).toBeHidden();
    await axeFindsNothing(page);
  });

  await test.step("several at once, by pointer and by keyboard", async () => {
    await option("Harbour Pilots").click();
    await expect(page.getByRole("button", { name: "Remove Harbour Pilots" })).toBeVisible();
    await option("Harbour Masters").hover();
    await field.press("Enter");
    await expect(page.getByRole("button", { name: "Remove Harbour Masters" })).toBeVisible();
    await field.press("Escape");
    await expect(found).toBeHidden();
  });

  await test.step("one goes again, the rest is saved", async () => {
    await page.getByRole("button", { name: "Remove Harbour Masters" }).click();
    await expect(page.getByRole("status").filter({ hasText: "Selected Groups +1" })).toBeVisible();
    await save.click();
    await expect(toast(page, "was saved")).toBeVisible();
    await goto(page.url());
    await expect(page.getByRole("button", { name: "Remove Harbour Pilots" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Remove Harbour Masters" })).toHaveCount(0);
  });

  await test.step("a full sync brings in exactly its members", async () => {
    await page.getByRole("button", { name: "Full Sync" }).click();
    await expect
      .poll(async () => (await api.get<{ last_sync_status: string }>(`/integrations/${integration.id}`)).last_sync_status, {
        timeout: 30_000,
      })
      .toBe("succeeded");
    await goto(`/users?customer=${customer.id}`);
    await expect(page.getByText("2 users")).toBeVisible();
    for (const user of [first, second]) {
      await expect(page.getByRole("link", { name: user!.display_name!, exact: true })).toBeVisible();
    }
    await goto(`/integrations/${integration.id}/groups`);
    await expect(page.getByRole("table", { name: "Groups" }).getByRole("row")).toHaveCount(2);
    await expect(page.getByRole("row", { name: /Harbour Pilots/ })).toContainText("Selected");
  });
});

test("a full sync is watched by everyone, explains a second press, and is cancelled", async ({
  page,
  goto,
  context,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  const other = await context.newPage();
  await other.goto(`/integrations?customer=${customer.id}`);
  await hydrated(other);
  await expect(other.getByRole("row", { name: tenant.domain })).toContainText("Not started");

  await control.latency(SLOW_MS);
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("button", { name: "Full Sync" }).click();
  await expect(toast(page, "The full sync is queued")).toBeVisible();
  await expect(page.getByRole("main")).toContainText("Running");
  await expect(other.getByRole("row", { name: tenant.domain })).toContainText("Running");

  await test.step("a second press explains itself and leads to the run", async () => {
    await page.getByRole("button", { name: "Full Sync" }).click();
    const note = page.getByRole("status").filter({ hasText: "A run of this integration is in progress" });
    await expect(note.first()).toBeVisible();
    await note.getByRole("link", { name: "See it" }).click();
    await expect(page).toHaveURL(/\/runs\//);
    await expect(page.getByRole("heading", { name: "Progress" })).toBeVisible();
    await expect(page.getByRole("progressbar", { name: "Progress of this run" })).toBeVisible();
    await axeFindsNothing(page);
  });

  await test.step("cancelled, on every page", async () => {
    await page.getByRole("button", { name: "Cancel run" }).click();
    await expect(page.getByRole("heading", { name: "Progress" })).toBeHidden();
    await expect(page.getByRole("main")).toContainText("Cancelled");
    await expect(other.getByRole("row", { name: tenant.domain })).toContainText("Cancelled", { timeout: 15_000 });
  });
  await control.latency(0);
});

test("a full sync goes to its end while one watches, and its people and groups are there", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  const people = kept(await control.snapshot()).length;
  await control.latency(1_500);
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("button", { name: "Full Sync" }).click();
  await page.getByRole("navigation", { name: "Integration" }).getByRole("link", { name: "Sync History" }).click();
  const history = page.getByRole("table", { name: "Sync History" });
  await expect(history.getByRole("progressbar")).toBeVisible();
  // It ends by itself on the open page.
  await expect(history.getByRole("row", { name: /User/ })).toContainText("Succeeded", { timeout: 30_000 });
  await expect(history.getByRole("progressbar")).toHaveCount(0);
  await expect(page.getByRole("main")).toContainText("Current");

  await page.getByRole("navigation", { name: "Integration" }).getByRole("link", { name: "Tenant Configuration" }).click();
  await expect(page.getByRole("switch", { name: /Perform a full scan on next run/ })).not.toBeChecked();

  await goto(`/users?customer=${customer.id}`);
  await expect(page.getByText(`${people} users`)).toBeVisible();
  await goto(`/groups?customer=${customer.id}`);
  await expect(page.getByRole("link", { name: "All employees" })).toBeVisible();
  // Lists that can't be kept in step stay out.
  await expect(page.getByRole("link", { name: "Newsletter" })).toHaveCount(0);
});

test("the worker keeps the directory current by itself", async ({ page, goto, customer, tenant, control, api }) => {
  test.setTimeout(180_000);
  const integration = await api.synced(customer, tenant);
  await api.patch(`/integrations/${integration.id}`, { schedule: { every_minutes: 1 } });
  const added = await control.createUser("Nadia", "Newcomer");
  const [leaver] = kept(await control.snapshot()).filter((user) => user.account_enabled && user.id !== added.id);
  await control.delete(leaver!.id);
  await control.update(added.id, { displayName: "Nadia Newcomer-Smith" });

  // An open page follows without being touched.
  await goto(`/integrations/${integration.id}/sync-history`);
  const history = page.getByRole("table", { name: "Sync History" });
  await expect(history.getByRole("row", { name: /Delta, schedule/ }).first()).toContainText("Succeeded", { timeout: 120_000 });

  await goto(`/users?customer=${customer.id}&q=Newcomer`);
  await expect(page.getByRole("row", { name: /Nadia Newcomer-Smith/ })).toContainText("Active");
  await goto(`/users?customer=${customer.id}&q=${encodeURIComponent(leaver!.user_principal_name!)}`);
  await expect(page.getByRole("table", { name: "Users" }).getByRole("row").nth(1)).toContainText("Inactive");
});

for (const [choice, source, status] of [
  ["Keep", "Manual", "Active"],
  ["Deactivate", "EntraSync", "Inactive"],
  ["Delete after 30 days", "EntraSync", "Inactive"],
] as const) {
  test(`deleting an integration: ${choice}`, async ({ page, goto, watched, customer, tenant, control, api }) => {
    const snapshot = await control.snapshot();
    const members = kept(snapshot).filter((user) => user.account_enabled).slice(0, 3);
    const group = await control.createGroup("Three of them", "security", members.map((user) => user.id));
    const connected = await api.connected(customer, tenant);
    const { policy } = await api.get<{ policy: object }>(`/integrations/${connected.id}`);
    await api.patch(`/integrations/${connected.id}`, { policy: { ...policy, selected_group_ids: [group.id] } });
    await api.run(connected);

    await goto(`/integrations/${connected.id}`);
    const name = (await page.getByRole("heading", { level: 1 }).textContent()) ?? "";
    await page.getByRole("group").filter({ hasText: "Delete" }).locator("summary").click();
    await page.getByRole("link", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: `Delete ${name}` });
    await expect(dialog).toContainText("3 people");
    await expect(dialog.getByRole("radio", { name: "Deactivate" })).toBeChecked();
    await axeFindsNothing(page);
    await dialog.getByRole("radio", { name: choice, exact: true }).check();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(toast(page, "was deleted")).toBeVisible();
    await expect(page).toHaveURL(/\/integrations(\?|$)/);
    // Its page asks how it is until it is left, which may be a moment after it is gone.
    const gone = watched.complaints.findIndex((complaint) => /404.*\/api\/integrations\/head/.test(complaint));
    if (gone >= 0) {
      watched.complaints.splice(gone, 1);
    }

    await expect.poll(async () => (await api.all<{ status: string }>(`/customers/${customer.id}/users`)).map((user) => user.status)).toEqual(
      Array(3).fill(status.toLowerCase()),
    );
    await goto(`/users?customer=${customer.id}`);
    const rows = page.getByRole("table", { name: "Users" }).getByRole("row");
    await expect(rows).toHaveCount(4);
    for (const row of [1, 2, 3]) {
      await expect(rows.nth(row)).toContainText(status);
      await expect(rows.nth(row)).toContainText(source);
    }
    await goto(`/integrations?customer=${customer.id}`);
    await expect(page.getByRole("heading", { name: /Nothing is connected/ })).toBeVisible();
  });
}
