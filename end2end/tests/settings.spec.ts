import { readFile } from "node:fs/promises";

import { expect, test } from "../fixtures";

test("settings that were saved are looked at, compared and restored", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await api.patch(`/integrations/${integration.id}`, { policy: { ...integration.policy, include_guests: true } });

  await test.step("the list says who saved what", async () => {
    await goto(`/integrations/${integration.id}`);
    await page.getByRole("navigation", { name: "Integration" }).getByRole("link", { name: "Versions" }).click();
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 2" })).toContainText("Guests included");
    await expect(versions.getByRole("row", { name: "Version 1" })).toContainText("Added");
    await versions.getByRole("link", { name: "Version 1" }).click();
  });

  await test.step("one is compared with another", async () => {
    await expect(page.getByRole("region", { name: "Restoring it would change" })).toContainText("Guests included");
    await page.getByLabel("Compare with").selectOption({ label: "Version 2" });
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByRole("region", { name: "Compared with version 2" })).toContainText("Guests included");
  });

  await test.step("and restored", async () => {
    await page.getByRole("link", { name: "Restore this version" }).click();
    const dialog = page.getByRole("dialog", { name: "Restore version 1" });
    await expect(dialog).toContainText("Guests included");
    await dialog.getByRole("button", { name: "Restore" }).click();
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 3" })).toContainText("Restored from version 1");
  });
});

test("where a version is what is saved now, nothing is offered to restore", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}/versions/1`);
  await expect(page.getByText("Nothing: it is the present settings.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Restore this version" })).toHaveCount(0);
  await goto(`/integrations/${integration.id}/versions/1/restore`);
  const dialog = page.getByRole("dialog", { name: "Restore version 1" });
  await expect(dialog).toContainText("Nothing: these are the present settings.");
  await expect(dialog.getByRole("button", { name: "Restore" })).toHaveCount(0);
  await dialog.getByRole("link", { name: "Back to the version" }).click();
  await expect(dialog).toBeHidden();
});

test("a customer’s settings are kept as versions, compared and restored", async ({ page, goto, customer, api }) => {
  await api.patch(`/customers/${customer.id}`, { time_zone: "Europe/Amsterdam" });
  await api.put(`/customers/${customer.id}/enrolment-settings`, { subject: "Welcome to {customer}" });
  await api.post(`/customers/${customer.id}/notification-recipients`, {
    kind: "mail",
    address: "it@customer.example",
    causes: ["run.held"],
  });

  await test.step("the list says what changed", async () => {
    await goto(`/customers/${customer.id}`);
    await page.getByRole("link", { name: "Versions", exact: true }).click();
    await expect(page).toHaveURL(`/customers/${customer.id}/versions`);
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 4" })).toContainText("Notification recipients");
    await expect(versions.getByRole("row", { name: "Version 3" })).toContainText("Invitations: subject");
    await expect(versions.getByRole("row", { name: "Version 2" })).toContainText("Time zone");
    await expect(versions.getByRole("row", { name: "Version 1" })).toContainText("Added");
    await versions.getByRole("link", { name: "Version 2" }).click();
  });

  await test.step("one is compared with another", async () => {
    await expect(page.getByRole("region", { name: "Restoring it would change" })).toContainText("Welcome to {customer}");
    await page.getByLabel("Compare with").selectOption({ label: "Version 1" });
    await page.getByRole("button", { name: "Compare" }).click();
    const compared = page.getByRole("region", { name: "Compared with version 1" });
    await expect(compared.getByRole("row", { name: "Time zone" })).toContainText("Europe/Amsterdam");
  });

  await test.step("and restored, with the difference shown first", async () => {
    await page.getByRole("link", { name: "Restore this version" }).click();
    const dialog = page.getByRole("dialog", { name: "Restore version 2" });
    await expect(dialog).toContainText("Notification recipients");
    await dialog.getByRole("button", { name: "Restore" }).click();
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 5" })).toContainText("Restored from version 2");
    expect(await api.all(`/customers/${customer.id}/notification-recipients`)).toEqual([]);
    const invites = await api.get<{ subject: string | null }>(`/customers/${customer.id}/enrolment-settings`);
    expect(invites.subject).toBeNull();
    const saved = await api.get<{ time_zone: string }>(`/customers/${customer.id}`);
    expect(saved.time_zone).toBe("Europe/Amsterdam");
  });
});

test("one customer’s file goes into another customer, with the difference shown first", async ({
  page,
  goto,
  customer,
  tenant,
  api,
  unique,
}) => {
  await api.connected(customer, tenant);
  await api.patch(`/customers/${customer.id}`, { time_zone: "Europe/Amsterdam", tags: ["carried"] });
  await api.put(`/customers/${customer.id}/enrolment-settings`, { link_days: 9 });
  await goto(`/customers/${customer.id}/settings-file`);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export as JSON" }).click();
  const file = await readFile(await (await downloading).path(), "utf8");

  const other = await api.customer(unique("Other"));
  await goto(`/customers/${other.id}/settings-file`);
  await page.getByLabel("Settings file", { exact: true }).fill(file);
  await page.getByRole("button", { name: "Show the difference" }).click();
  await expect(page.getByText("Nothing is saved yet")).toBeVisible();
  const row = (name: string) => page.getByRole("row", { name });
  await expect(row("Time zone")).toContainText("Europe/Amsterdam");
  await expect(row("Tags")).toContainText("carried");
  await expect(row("Invitations: days the link is good")).toContainText("9");
  // Its integration stays where it is: the other customer has none of that tenant.
  await expect(page.getByText("The customer has no integration of this tenant")).toBeVisible();
  const before = await api.get<{ time_zone: string }>(`/customers/${other.id}`);
  expect(before.time_zone).toBe("UTC");

  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page).toHaveURL(`/customers/${other.id}`);
  const after = await api.get<{ time_zone: string; tags: string[] }>(`/customers/${other.id}`);
  expect(after).toMatchObject({ time_zone: "Europe/Amsterdam", tags: ["carried"] });
  await goto(`/customers/${other.id}/versions`);
  await expect(page.getByRole("row", { name: "Version 2" })).toContainText("Imported from a file");
});

test("whoever is blocked in Entra ID is Inactive here where the settings say so", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Bella", "Blocked");
  await control.update(made.id, { accountEnabled: false });
  const integration = await api.connected(customer, tenant);
  const status = async () => {
    const users = await api.all<{ external_id: string; status: string }>(`/customers/${customer.id}/users`);
    return users.find((one) => one.external_id === made.id)?.status;
  };
  const settings = async (on: boolean) => {
    await goto(`/integrations/${integration.id}`);
    const toggle = page.getByRole("switch", { name: "Is Sign in Blocked on AD" });
    if ((await toggle.isChecked()) !== on) {
      await toggle.setChecked(on);
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(page.getByText("unsaved change")).toBeHidden();
    }
    const saved = await api.get<{ policy: { blocked_sign_in_disables: boolean } }>(`/integrations/${integration.id}`);
    expect(saved.policy.blocked_sign_in_disables).toBe(on);
  };

  await settings(true);
  await api.post(`/integrations/${integration.id}/test-connection`);
  await api.run(integration);
  expect(await status()).toBe("inactive");
  await settings(false);
  await api.run(integration, "delta");
  expect(await status()).toBe("active");
});

test("settings go out as a file and come in again, with the difference shown first", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}/settings-file`);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export as TOML" }).click();
  const file = await readFile(await (await downloading).path(), "utf8");
  expect(file).toContain('rollcall = "settings"');

  await test.step("a key that doesn’t exist is named, with the nearest that does", async () => {
    await page.getByLabel("Settings file", { exact: true }).fill(file.replace("include_guests", "include_gests"));
    await page.getByRole("button", { name: "Show the difference" }).click();
    await expect(page.getByLabel("Settings file", { exact: true })).toHaveAccessibleDescription(/did you mean “include_guests”/);
  });

  await test.step("nothing is saved before it is confirmed", async () => {
    await page.getByLabel("Settings file from a file").setInputFiles({
      name: "settings.toml",
      mimeType: "application/toml",
      buffer: Buffer.from(file.replace("include_guests = false", "include_guests = true")),
    });
    await expect(page.getByLabel("Settings file", { exact: true })).toHaveValue(/include_guests = true/);
    await page.getByRole("button", { name: "Show the difference" }).click();
    await expect(page.getByText("Nothing is saved yet")).toBeVisible();
    await expect(page.getByRole("row", { name: "Guests included" })).toBeVisible();
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await expect(page.getByRole("status").filter({ hasText: "The settings were imported" })).toBeVisible();
    await goto(`/integrations/${integration.id}/versions`);
    await expect(page.getByRole("row", { name: "Version 2" })).toContainText("Imported from a file");
  });
});

test("a file is imported into a customer without the browser code", async ({ plain, customer, tenant, api }) => {
  await api.connected(customer, tenant);
  const file = await api.get<{ customer: { tags: string[] } }>(`/customers/${customer.id}/settings-file`);
  file.customer.tags = ["imported"];
  await plain.goto(`/customers/${customer.id}/settings-file`);
  await plain.getByLabel("Settings file", { exact: true }).fill(JSON.stringify(file));
  await plain.getByRole("button", { name: "Show the difference" }).click();
  await expect(plain.getByRole("row", { name: "Tags" })).toContainText("imported");
  await plain.getByRole("button", { name: "Import", exact: true }).click();
  await expect(plain).toHaveURL(`/customers/${customer.id}`);
  await expect(plain.getByRole("link", { name: "imported" })).toBeVisible();
});

test("how people are invited and who administers goes with the file to another customer", async ({ plain, customer, tenant, api }) => {
  await api.connected(customer, tenant);
  const invites = `/customers/${customer.id}/enrolment-settings`;
  await api.put(invites, { language: "nl", subject: "Welkom bij {customer}", link_days: 7 });
  const file = await api.get<{ customer: { enrolment: { subject: string }; integrations: { administrators: object }[] } }>(
    `/customers/${customer.id}/settings-file`,
  );
  expect(file.customer.enrolment.subject).toBe("Welkom bij {customer}");
  expect(file.customer.integrations[0]?.administrators).toEqual({});
  file.customer.enrolment.subject = "Uw account bij {customer}";

  await plain.goto(`/customers/${customer.id}/settings-file`);
  await plain.getByLabel("Settings file", { exact: true }).fill(JSON.stringify(file));
  await plain.getByRole("button", { name: "Show the difference" }).click();
  await expect(plain.getByRole("row", { name: "Invitations: subject" })).toContainText("Uw account bij {customer}");
  await plain.getByRole("button", { name: "Import", exact: true }).click();
  await expect(plain).toHaveURL(`/customers/${customer.id}`);
  const saved = await api.get<{ subject: string; link_days: number }>(invites);
  expect(saved).toMatchObject({ subject: "Uw account bij {customer}", link_days: 7 });
});

test("a version of a policy template is looked at, compared and restored", async ({ page, goto, customer, tenant, api, unique }) => {
  const integration = await api.connected(customer, tenant);
  const name = unique("Versions");
  const template = await api.post<{ id: string }>("/policy-templates", { name });
  await api.put(`/integrations/${integration.id}/template`, { policy_template_id: template.id, take_settings: true });
  await api.patch(`/policy-templates/${template.id}`, { policy: { include_guests: true } });
  const guests = async () => {
    const saved = await api.get<{ policy: { include_guests: boolean } }>(`/integrations/${integration.id}`);
    return saved.policy.include_guests;
  };
  await expect.poll(guests).toBe(true);

  await test.step("the template’s page lists them", async () => {
    await goto(`/policy-templates/${template.id}`);
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 2" })).toContainText("Guests included");
    await versions.getByRole("link", { name: "Version 1" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Version 1" })).toBeVisible();
  });

  await test.step("one is compared with another", async () => {
    await expect(page.getByRole("region", { name: "Restoring it would change" })).toContainText("Guests included");
    await page.getByLabel("Compare with").selectOption({ label: "Version 2" });
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByRole("region", { name: "Compared with version 2" })).toContainText("Guests included");
  });

  await test.step("and restored, with its effect shown first", async () => {
    await page.getByRole("link", { name: "Restore this version" }).click();
    const dialog = page.getByRole("dialog", { name: "Restore version 1" });
    await expect(dialog).toContainText("This changes 1 integration of 1 customer");
    await dialog.getByRole("button", { name: "Restore" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    const versions = page.getByRole("table", { name: "Versions" });
    await expect(versions.getByRole("row", { name: "Version 3" })).toContainText("Restored from version 1");
    await expect.poll(guests).toBe(false);
  });
});

test("a policy template reaches its follower, and drift is accepted or put back", async ({ page, goto, customer, tenant, api, unique }) => {
  const integration = await api.connected(customer, tenant);
  const name = unique("Standard");

  await test.step("it is made with the policy of an integration", async () => {
    await goto("/policy-templates");
    await page.getByRole("link", { name: "New Policy Template" }).click();
    const dialog = page.getByRole("dialog", { name: "New Policy Template" });
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByRole("button", { name: "Make" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expect(page.getByText("No integration follows it yet")).toBeVisible();
  });
  const template = new URL(page.url()).pathname;

  await test.step("an integration follows it", async () => {
    await goto(`/integrations/${integration.id}/template`);
    await page.getByRole("link", { name: "Follow a template" }).click();
    const dialog = page.getByRole("dialog", { name: "Follow a policy template" });
    await dialog.getByLabel("Policy template").selectOption({ label: name });
    await dialog.getByLabel("Take the template’s settings now").check();
    await dialog.getByRole("button", { name: "Follow" }).click();
    await expect(page.getByText("It has the template’s settings")).toBeVisible();
  });

  await test.step("what changes is shown before it is saved", async () => {
    await goto(`${template}/edit`);
    const text = page.getByLabel("Settings", { exact: true });
    await text.fill((await text.inputValue()).replace("include_guests = false", "include_guests = true"));
    await page.getByRole("button", { name: "Show what it changes" }).click();
    await expect(page.getByText("This changes 1 integration of 1 customer")).toBeVisible();
    await page.getByRole("button", { name: "Save for all followers" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expect(page.getByText("is on its way")).toBeHidden();
    const versions = await api.all<{ source: { cause: string } }>(`/integrations/${integration.id}/versions`);
    expect(versions[0]?.source.cause).toBe("template");
  });

  await test.step("drift", async () => {
    const saved = await api.get<{ policy: object }>(`/integrations/${integration.id}`);
    const policy = { ...saved.policy, require_names: false, include_nested: true };
    await api.patch(`/integrations/${integration.id}`, { policy });
    await goto(`/integrations/${integration.id}/template`);
    await page.getByLabel("Choose Nested groups in scope").uncheck();
    await page.getByLabel("Why it is accepted").fill("Ticket T-1");
    await page.getByRole("button", { name: "Accept" }).click();
    await expect(page.getByRole("region", { name: "Its own" })).toContainText("Ticket T-1");
    await page.getByRole("button", { name: "Put back" }).first().click();
    await expect(page.getByText("It has the template’s settings")).toBeVisible();
  });

  await test.step("deleted, it leaves the settings as they are", async () => {
    await goto(`${template}/delete`);
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(page).toHaveURL(/\/policy-templates$/);
    const saved = await api.get<{ policy: { include_guests: boolean } }>(`/integrations/${integration.id}`);
    expect(saved.policy.include_guests).toBe(true);
  });
});
