import { expect, test } from "../fixtures";

test("a secret goes in, is replaced, and never comes out", async ({ page, goto, tenant, unique }) => {
  const name = unique("Partner application");

  await test.step("add", async () => {
    await goto("/credential-profiles");
    await page.getByRole("link", { name: "Add Credential Profile" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Credential Profile" });
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Application (client) id").fill("not an id");
    await dialog.getByLabel("Client secret").fill(tenant.client_secret);
    await dialog.getByLabel("Ends").fill("2031-05-31");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("Application (client) id")).toHaveAccessibleDescription(/GUID/);
    await dialog.getByLabel("Application (client) id").fill(tenant.client_id);
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(tenant.client_id);
    await expect(page.getByText("No integration uses it.")).toBeVisible();
  });

  await test.step("replace", async () => {
    await page.getByRole("link", { name: "Replace secret" }).click();
    const dialog = page.getByRole("dialog", { name: "Replace secret" });
    await dialog.getByRole("button", { name: "Replace" }).click();
    await expect(dialog.getByLabel("Client secret")).toHaveAccessibleDescription(/Enter the new secret/);
    await dialog.getByLabel("Client secret").fill("another~secret.value");
    await dialog.getByLabel("Ends").fill("2020-01-01");
    await dialog.getByRole("button", { name: "Replace" }).click();
    await expect(page.getByRole("status").filter({ hasText: "Replaced" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("Ended");
  });

  await test.step("nothing shows it", async () => {
    await goto(page.url());
    const html = await page.content();
    expect(html).not.toContain(tenant.client_secret);
    expect(html).not.toContain("another~secret.value");
  });

  await test.step("edit and delete", async () => {
    await page.getByRole("main").getByRole("link", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Credential Profile" });
    await dialog.getByLabel("Name").fill(`${name} 2`);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("heading", { level: 1, name: `${name} 2` })).toBeVisible();
    await page.getByRole("main").getByRole("link", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: `Delete ${name} 2` }).getByRole("button", { name: "Delete" }).click();
    await expect(page).toHaveURL("/credential-profiles");
    await goto(`/credential-profiles?q=${encodeURIComponent(name)}`);
    await expect(page.getByRole("heading", { name: "No profiles match" })).toBeVisible();
  });
});

test("a certificate signs in too, and a foreign key is refused", async ({ page, goto, tenant, customer, unique, api }) => {
  const name = unique("Certificate");
  const certificate = page.getByLabel("Certificate (PEM)", { exact: true });
  const key = page.getByLabel("Private key (PEM)", { exact: true });

  await goto(`/credential-profiles/add?customer=${customer.id}`);
  const dialog = page.getByRole("dialog", { name: "Add Credential Profile" });
  await dialog.getByRole("navigation", { name: "Kind" }).getByRole("link", { name: "Certificate" }).click();
  await expect(certificate).toBeVisible();
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Application (client) id").fill(tenant.client_id);
  await certificate.fill(tenant.certificate_pem);
  await key.fill(tenant.certificate_pem);
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(key).toHaveAttribute("aria-invalid", "true");
  await key.fill(tenant.private_key_pem);
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByText("Thumbprint (SHA-256)")).toBeVisible();
  await expect(page.getByRole("main").getByRole("link", { name: customer.name })).toBeVisible();
  const html = await page.content();
  expect(html).not.toContain(tenant.private_key_pem.split("\n")[1]);

  const id = page.url().split("/").at(-1) ?? "";
  const integration = await api.integration(customer, tenant, { id, name });
  const test_ = await api.post<{ ok: boolean }>(`/integrations/${integration.id}/test-connection`);
  expect(test_.ok, JSON.stringify(test_)).toBe(true);
});

test("a profile in use can't be deleted, and says where it is used", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  const [profile] = await api.all<{ id: string; name: string }>(
    `/credential-profiles?q=${encodeURIComponent(tenant.display_name)}`,
  );
  await goto(`/credential-profiles/${profile?.id}`);
  const uses = page.getByRole("table", { name: "Where used" });
  await expect(uses.getByRole("link", { name: customer.name })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Delete" }).first().click();
  const dialog = page.getByRole("dialog", { name: `Delete ${profile?.name}` });
  await expect(dialog).toContainText("It can’t be deleted while 1 integration uses it");
  await expect(dialog.getByRole("button", { name: "Delete" })).toHaveCount(0);
  await dialog.getByRole("link", { name: integration.name }).click();
  await expect(page).toHaveURL(`/integrations/${integration.id}`);
});
