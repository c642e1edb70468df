// Links and forms before the browser code has loaded: here it never arrives.
import type { Page } from "@playwright/test";

import { axeFindsNothing } from "../audit";
import { expect, OWNER, test } from "../fixtures";
import { held } from "../simulator";

/** The browser code really is not there; otherwise these tests would show nothing. */
async function isPlain(page: Page) {
  await expect(page.locator("body")).not.toHaveAttribute("data-hydrated", "true");
}

test("sign in", async ({ browser }) => {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
  const page = await context.newPage();
  await page.goto("/customers");
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill("wrong wrong wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription("E-mail and password don’t belong together.");
  await expect(page.getByLabel("E-mail")).toHaveValue(OWNER.email);
  await axeFindsNothing(page);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL("/customers");
  await isPlain(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await context.close();
});

test("add a customer, rename it, delete it", async ({ plain, unique }) => {
  const name = unique("Plain & Söhne");
  await plain.goto("/customers");
  await isPlain(plain);
  await plain.getByRole("link", { name: "Add Customer" }).click();
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await plain.getByLabel("Name", { exact: true }).fill(name);
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(plain.getByText(`${name} was added`)).toBeVisible();
  await axeFindsNothing(plain);

  await plain.getByRole("main").getByRole("link", { name: "Rename" }).click();
  await plain.getByLabel("Name", { exact: true }).fill(`${name} 2`);
  await plain.getByRole("button", { name: "Save" }).click();
  await expect(plain.getByRole("heading", { level: 1, name: `${name} 2` })).toBeVisible();

  await plain.getByRole("main").getByRole("link", { name: "Delete" }).click();
  await plain.getByLabel("Name", { exact: true }).fill(`${name} 2`);
  await plain.getByRole("button", { name: "Delete" }).click();
  await expect(plain).toHaveURL("/customers");
  await expect(plain.getByText("Moved to the bin")).toBeVisible();
});

test("add an integration and save its settings", async ({ plain, customer, tenant, control, api, unique }) => {
  const profile = await api.profile(customer, tenant, unique("Plain profile"));
  await control.createGroup("Plainfield Rangers", "security");
  await plain.goto(`/integrations?customer=${customer.id}`);
  await plain.getByRole("link", { name: "Add New Integration" }).click();
  await isPlain(plain);
  const add = plain.getByRole("dialog", { name: "Add New Integration" });
  await add.getByRole("button", { name: "Add", exact: true }).click();
  await expect(add.getByLabel("Tenant")).toHaveAttribute("aria-invalid", "true");
  await add.getByLabel("Tenant").fill(tenant.domain);
  await add.getByLabel("Azure Cloud").selectOption({ label: "Entra simulator" });
  await add.getByLabel("Credential Profile").selectOption(profile.id);

  await test.step("Test Connection comes back with its checks, and with what was filled in", async () => {
    await add.getByRole("button", { name: "Test Connection" }).click();
    await isPlain(plain);
    await expect(add.getByText(/all \d+ checks passed/)).toBeVisible();
    await expect(add.getByRole("list", { name: "Checks" }).getByRole("listitem")).not.toHaveCount(0);
    await expect(add.getByLabel("Tenant")).toHaveValue(tenant.domain);
    await expect(add.getByLabel("Credential Profile")).toHaveValue(profile.id);
    await axeFindsNothing(plain);
  });

  await add.getByLabel("Tenant").press("Enter");
  await expect(plain).toHaveURL(/\/integrations\/[0-9a-f-]{36}$/);
  await expect(plain.getByText("was added")).toBeVisible();
  await axeFindsNothing(plain);

  await test.step("Save is there, and saves", async () => {
    await plain.getByRole("switch", { name: /Include guests/ }).check();
    await plain.getByRole("textbox", { name: "Minutes between two runs" }).fill("30");
    await plain.getByRole("button", { name: "Save" }).click();
    await expect(plain.getByText("was saved")).toBeVisible();
    await expect(plain.getByRole("switch", { name: /Include guests/ })).toBeChecked();
    await expect(plain.getByRole("textbox", { name: "Minutes between two runs" })).toHaveValue("30");
  });

  await test.step("a save that is refused comes back as it was filled in", async () => {
    await plain.getByRole("switch", { name: /Require given name and surname/ }).uncheck();
    await plain.getByRole("textbox", { name: "Minutes between two runs" }).fill("soon");
    await plain.getByRole("button", { name: "Save" }).click();
    const minutes = plain.getByRole("textbox", { name: "Minutes between two runs" });
    await expect(minutes).toHaveAccessibleDescription(/whole number/);
    await expect(minutes).toHaveValue("soon");
    await expect(plain.getByRole("switch", { name: /Require given name and surname/ })).not.toBeChecked();
    await minutes.fill("30");
    await plain.getByRole("button", { name: "Save" }).click();
    await expect(plain.getByText("was saved")).toBeVisible();
  });

  await test.step("Test Connection of what is saved", async () => {
    await plain.getByRole("button", { name: "Test Connection" }).click();
    await expect(plain.getByText(/all \d+ checks passed/)).toBeVisible();
  });

  await test.step("Full Sync", async () => {
    await plain.getByRole("button", { name: "Full Sync" }).click();
    await expect(plain.getByText("The full sync is queued")).toBeVisible();
    await plain.getByRole("navigation", { name: "Integration" }).getByRole("link", { name: "Sync History" }).click();
    await expect(plain.getByRole("table", { name: "Sync History" })).toBeVisible();
  });
});

test("groups are searched and ticked without any script", async ({ browser, customer, tenant, control, api }) => {
  await control.createGroup("Plainfield Rangers", "security");
  await control.createGroup("Plainfield Gazette", "distribution");
  const integration = await api.connected(customer, tenant);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`/integrations/${integration.id}`);
  await page.getByLabel("Selected Groups", { exact: true }).fill("Plainfield");
  await page.getByRole("button", { name: "Search groups" }).click();
  await expect(page.getByRole("checkbox", { name: "Plainfield Gazette" })).toBeDisabled();
  await page.getByRole("checkbox", { name: "Plainfield Rangers" }).check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("was saved")).toBeVisible();
  await expect(page.getByRole("checkbox", { name: "Keep Plainfield Rangers" })).toBeChecked();
  await context.close();
});

test("a list is searched, sorted, filtered and paged", async ({ plain, customer, tenant, api }) => {
  await api.synced(customer, tenant);
  await plain.goto(`/users?customer=${customer.id}`);
  await isPlain(plain);
  const table = plain.getByRole("table", { name: "Users" });
  const rows = table.getByRole("row");
  await expect(rows).toHaveCount(51);
  await plain.getByRole("link", { name: "Next page" }).click();
  await expect(plain).toHaveURL(/page=2/);
  await isPlain(plain);
  await plain.getByRole("navigation", { name: "Rows per page" }).getByRole("link", { name: "100", exact: true }).click();
  await expect(plain).toHaveURL(/rows=100/);
  await table.getByRole("columnheader", { name: "Name", exact: true }).getByRole("link").click();
  await expect(plain).toHaveURL(/sort=-name/);
  await plain.getByText("User Status", { exact: true }).first().click();
  await plain.getByRole("list", { name: "User Status" }).getByRole("link", { name: "Active", exact: true }).click();
  await expect(plain).toHaveURL(/status=active/);
  const search = plain.getByRole("searchbox", { name: "Search Users" });
  await search.fill("nobody of this name");
  await search.press("Enter");
  await expect(plain).toHaveURL(/q=nobody/);
  await expect(plain).toHaveURL(/status=active/);
  await expect(plain.getByRole("heading", { name: "No users match" })).toBeVisible();
  await plain.getByRole("link", { name: "Clear filters" }).click();
  await expect(rows).not.toHaveCount(0);
  await axeFindsNothing(plain);
});

test("held changes are decided without any script", async ({ plain, customer, tenant, control, api }) => {
  const integration = await api.synced(customer, tenant);
  const number = await held(control);
  const run = await api.run(integration, "delta", ["held"]);
  await plain.goto(`/runs/${run.id}`);
  await plain.getByRole("button", { name: /^Reject/ }).click();
  await expect(plain.getByRole("textbox", { name: "Reason" })).toHaveAccessibleDescription(/Say why/);
  await plain.getByRole("textbox", { name: "Reason" }).fill("T-1002");
  await plain.getByRole("button", { name: /^Reject/ }).click();
  await expect(plain.getByRole("main")).toContainText("T-1002");
  await expect
    .poll(async () => (await api.get<{ status: string }>(`/runs/${run.id}`)).status)
    .toBe("succeeded");
  await plain.reload();
  await expect(plain.getByRole("main")).toContainText(`${number} users stay as before`);
});

test("add a second secret, try it out and use it", async ({ plain, customer, tenant, control, api }) => {
  const integration = await api.connected(customer, tenant);
  const { credential_profile_id: profile } = await api.get<{ credential_profile_id: string }>(
    `/integrations/${integration.id}`,
  );
  await plain.goto(`/credential-profiles/${profile}`);
  await isPlain(plain);
  await plain.getByRole("link", { name: "Add a second" }).click();
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByLabel("Client secret")).toHaveAttribute("aria-invalid", "true");
  await plain.getByLabel("Client secret").fill(await control.addSecret());
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByRole("heading", { name: "Next secret" })).toBeVisible();
  await plain.getByRole("button", { name: "Test Connection" }).click();
  await expect(plain.getByRole("list", { name: "Checks" })).toContainText("The application signed in.");
  await axeFindsNothing(plain);
  await plain.getByRole("link", { name: "Use from now on" }).click();
  await plain.getByRole("button", { name: "Use from now on" }).click();
  await expect(plain.getByRole("heading", { name: "Secret before" })).toBeVisible();
});
