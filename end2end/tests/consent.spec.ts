// Authorize: a link for a customer's administrator, who has no account here, and Microsoft's admin
// consent, which the simulator plays.
import { request, type Browser, type Page } from "@playwright/test";

import { axeFindsNothing } from "../audit";
import { complaintsOf, expect, hydrated, test } from "../fixtures";

/** A browser of somebody who isn't signed in, with or without the browser code. */
async function stranger(browser: Browser, plainly = false): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const complaints = plainly ? [] : complaintsOf(context);
  if (plainly) {
    await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
  }
  return { page: await context.newPage(), complaints };
}

test("a customer’s administrator consents by a link, and the integration works", async ({
  page,
  goto,
  browser,
  api,
  customer,
  tenant,
  control,
  unique,
}) => {
  await control.appState("not_consented");
  const profile = await api.profile(null, tenant, unique("Partner app"));
  let link = "";

  await test.step("from Add New Integration, with what was filled in", async () => {
    await goto(`/integrations/add?customer=${customer.id}`);
    const add = page.getByRole("dialog", { name: "Add New Integration" });
    await add.getByLabel("Tenant").fill(tenant.domain);
    await add.getByLabel("Azure Cloud").selectOption({ label: "Entra simulator" });
    await add.getByLabel("Credential Profile").selectOption(profile.id);
    await add.getByRole("link", { name: "Authorize with a link" }).click();
    const dialog = page.getByRole("dialog", { name: "Authorize" });
    await expect(dialog.getByLabel("Tenant")).toHaveValue(tenant.domain);
    await expect(dialog.getByLabel("Credential Profile")).toHaveValue(profile.id);
    await dialog.getByLabel("Devices").check();
    link = await dialog.getByLabel("Link to hand over").inputValue();
    expect(link).toMatch(/\/consent\?secret=[A-Za-z0-9]{43}$/);
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Make link" }).click();
    await expect(page).toHaveURL(`/customers/${customer.id}`);
    const made = page.getByRole("table", { name: "Consent links" }).getByRole("row").filter({ hasText: tenant.domain });
    await expect(made).toContainText("Waiting");
    await expect(made).toContainText("Never");
    expect(await page.content()).not.toContain(link.split("secret=")[1]);
  });

  const { page: other, complaints } = await stranger(browser);
  const { pathname, search } = new URL(link);
  await test.step("the administrator sees what is asked and consents", async () => {
    await other.goto(pathname + search);
    await hydrated(other);
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("Let Rollcall read your directory");
    for (const told of [tenant.domain, tenant.client_id, "Device.Read.All", "Nothing is ever written to your tenant."]) {
      await expect(other.getByRole("main")).toContainText(told);
    }
    await axeFindsNothing(other);
    await other.getByRole("link", { name: "Continue to Microsoft" }).click();
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("Thank you, that’s all");
    await hydrated(other);
    await expect(other).toHaveURL(pathname + search);
    await expect(other.getByText("Granted")).toHaveCount(4);
    await expect(other.getByText(tenant.tenant_id)).toBeVisible();
    await axeFindsNothing(other);
  });

  await test.step("the integration is added and tested; its tenant is known", async () => {
    await page.reload();
    await hydrated(page);
    const made = page.getByRole("table", { name: "Consent links" }).getByRole("row").filter({ hasText: tenant.domain });
    await expect(made).toContainText("Authorized");
    await expect(made).not.toContainText("Never");
    const integration = await api.integration(customer, tenant, profile);
    await goto(`/integrations/${integration.id}`);
    await expect(page.getByText(tenant.tenant_id).first()).toBeVisible();
    await page.getByRole("button", { name: "Test Connection" }).click();
    await expect(page.getByText(/all \d+ checks passed/).first()).toBeVisible();
    await page.getByRole("main").getByRole("link", { name: "Authorize" }).click();
    await expect(page.getByRole("dialog", { name: "Authorize" })).toContainText(tenant.domain);
  });

  await test.step("a revoked link leads nowhere", async () => {
    await goto(`/customers/${customer.id}`);
    const links = page.getByRole("table", { name: "Consent links" });
    await expect(links.getByRole("link")).toHaveCount(1);
    await links.getByRole("button", { name: "Revoke" }).click();
    await expect(page.getByRole("status").filter({ hasText: "can’t be used any more" })).toBeVisible();
    await expect(links).toContainText("Revoked");
    await expect(links.getByRole("button")).toHaveCount(0);
    await axeFindsNothing(page);
    await other.goto(pathname + search);
    await expect(other.getByRole("heading", { level: 1, name: "This link has ended" })).toBeVisible();
  });
  expect(complaints).toEqual([]);
  await other.context().close();
});

test("for who looks after one customer, the administrator signs in as well", async ({
  page,
  goto,
  browser,
  api,
  customer,
  tenant,
  control,
  unique,
}) => {
  await control.appState("not_consented");
  const profile = await api.profile(null, tenant, unique("Partner app"));
  await goto("/api-tokens/add");
  const dialog = page.getByRole("dialog", { name: "New API Token" });
  await dialog.getByLabel("Name", { exact: true }).fill(unique("Of one customer"));
  await dialog.getByLabel("Role").selectOption("Administrator");
  await dialog.getByLabel("Some of them").check();
  await dialog.getByLabel("Find a customer in this list").fill(customer.name);
  await dialog.getByRole("checkbox", { name: customer.name }).check();
  const token = await dialog.getByLabel("Token", { exact: true }).inputValue();
  await dialog.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Of one customer");

  const program = await request.newContext({
    baseURL: new URL(page.url()).origin,
    extraHTTPHeaders: { authorization: `Bearer ${token}` },
  });
  const made = await program.post(`/api/v1/customers/${customer.id}/consent-links`, {
    data: { credential_profile_id: profile.id, cloud: "sim", tenant: tenant.domain },
  });
  expect(made.status()).toBe(201);
  const link = new URL(((await made.json()) as { url: string }).url);

  const { page: other, complaints } = await stranger(browser);
  await other.goto(link.pathname + link.search);
  await hydrated(other);
  await expect(other.getByRole("main")).toContainText("After that it asks you to sign in");
  await axeFindsNothing(other);
  const asked: string[] = [];
  other.on("request", (sent) => asked.push(new URL(sent.url()).pathname));
  await other.getByRole("link", { name: "Continue to Microsoft" }).click();
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Thank you, that’s all");
  expect(asked).toContain(`/${tenant.tenant_id}/oauth2/v2.0/authorize`);
  expect(complaints).toEqual([]);
  await other.context().close();

  await goto(`/customers/${customer.id}`);
  await expect(page.getByRole("table", { name: "Consent links" })).toContainText("Authorized");
  await program.dispose();
});

test("without the browser code a link is made and consented to", async ({
  plain,
  browser,
  api,
  customer,
  tenant,
  control,
  unique,
}) => {
  await control.appState("not_consented");
  const profile = await api.profile(customer, tenant, unique("Plain app"));
  await plain.goto(`/customers/${customer.id}`);
  const section = plain.getByRole("region", { name: "Consent links" });
  await expect(section).toContainText("No link was made yet.");
  await section.getByRole("link", { name: "Authorize" }).click();
  const dialog = plain.getByRole("dialog", { name: "Authorize" });
  await dialog.getByLabel("Azure Cloud").selectOption({ label: "Entra simulator" });
  await dialog.getByLabel("Credential Profile").selectOption(profile.id);
  await dialog.getByRole("button", { name: "Make link" }).click();
  await expect(dialog.getByLabel("Tenant")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Tenant").fill(tenant.domain);
  const link = new URL(await dialog.getByLabel("Link to hand over").inputValue());
  await dialog.getByRole("button", { name: "Make link" }).click();
  await expect(plain.getByRole("table", { name: "Consent links" })).toContainText("Waiting");

  const { page } = await stranger(browser, true);
  await page.goto(link.pathname + link.search);
  await page.getByRole("link", { name: "Continue to Microsoft" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you, that’s all");
  await axeFindsNothing(page);
  await page.context().close();

  await plain.goto(`/customers/${customer.id}`);
  const row = plain.getByRole("table", { name: "Consent links" }).getByRole("row").filter({ hasText: tenant.domain });
  await expect(row).toContainText("Authorized");
  await row.getByRole("button", { name: "Revoke" }).click();
  await expect(row.getByRole("button")).toHaveCount(0);
});
