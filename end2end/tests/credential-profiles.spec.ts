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
  await dialog.getByRole("navigation", { name: "Kind" }).getByRole("link", { name: "Certificate", exact: true }).click();
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

test("a second secret is tried out, takes over when the first is refused, and the old one goes", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  const { credential_profile_id: profile } = await api.get<{ credential_profile_id: string }>(
    `/integrations/${integration.id}`,
  );
  await goto(`/credential-profiles/${profile}`);
  await expect(page.getByRole("heading", { name: "Second secret" })).toBeVisible();
  const next = await control.addSecret();

  await test.step("add it", async () => {
    await page.getByRole("link", { name: "Add a second" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a second secret" });
    await dialog.getByLabel("Client secret").fill(next);
    await dialog.getByLabel("Ends").fill("2031-05-31");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("heading", { name: "Next secret" })).toBeVisible();
    await expect(page.getByText("Not yet")).toBeVisible();
  });

  await test.step("try it out", async () => {
    await page.getByRole("button", { name: "Test Connection" }).click();
    await expect(page.getByRole("list", { name: "Checks" })).toContainText("The application signed in.");
    await expect(page.getByRole("main")).toContainText("It works. Rollcall goes over to it by itself");
  });

  await test.step("it takes over", async () => {
    await control.expireSecrets();
    const last = await control.addSecret();
    await api.put(`/credential-profiles/${profile}/second`, { kind: "client_secret", client_secret: last });
    const tested = await api.post<{ ok: boolean }>(`/integrations/${integration.id}/test-connection`);
    expect(tested.ok, JSON.stringify(tested)).toBe(true);
    await goto(`/credential-profiles/${profile}`);
    const note = page.getByRole("note").filter({ hasText: "Entra ID refused the first secret" });
    await expect(note).toContainText("AADSTS7000222");
    await expect(page.getByRole("heading", { name: "Secret before" })).toBeVisible();
    expect(await page.content()).not.toContain(last);
  });

  await test.step("the old one goes", async () => {
    await page.getByRole("link", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog", { name: "Remove the second secret" });
    await dialog.getByRole("button", { name: "Remove" }).click();
    await expect(page.getByRole("heading", { name: "Second secret" })).toBeVisible();
  });
});

test("a certificate is made, downloaded, uploaded, tried out and used", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  const { credential_profile_id: profile } = await api.get<{ credential_profile_id: string }>(
    `/integrations/${integration.id}`,
  );
  await goto(`/credential-profiles/${profile}/second`);
  const dialog = page.getByRole("dialog", { name: "Add a second secret" });
  await dialog.getByRole("navigation", { name: "Kind" }).getByRole("link", { name: "Make a certificate" }).click();
  await dialog.getByLabel("Valid for").selectOption("2 years");
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { name: "Next certificate" })).toBeVisible();
  await expect(page.getByText("Thumbprint, as Entra ID shows it")).toBeVisible();

  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download .pem" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^rollcall-.*\.pem$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) {
    chunks.push(chunk as Buffer);
  }
  const pem = Buffer.concat(chunks).toString();
  expect(pem).toContain("BEGIN CERTIFICATE");
  expect(pem).not.toContain("PRIVATE");

  // Entra doesn't know it before it is uploaded.
  await page.getByRole("button", { name: "Test Connection" }).click();
  const checks = page.getByRole("list", { name: "Checks" });
  await expect(checks).toContainText("AADSTS700027");
  await control.addCertificate(pem);
  await page.getByRole("button", { name: "Test Connection" }).click();
  await expect(checks).toContainText("The application signed in.");

  await page.getByRole("link", { name: "Use from now on" }).click();
  const use = page.getByRole("dialog", { name: "Use it from now on" });
  await use.getByRole("button", { name: "Use from now on" }).click();
  await expect(page.getByRole("heading", { name: "Secret before" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("Certificate set");
  const tested = await api.post<{ ok: boolean }>(`/integrations/${integration.id}/test-connection`);
  expect(tested.ok, JSON.stringify(tested)).toBe(true);
});

test("an end that nears counts down on the overview and leads to the profile", async ({ page, goto, customer, tenant, api, unique }) => {
  const name = unique("Nearly over");
  const soon = new Date(Date.now() + 12.5 * 24 * 3600 * 1000).toISOString();
  const profile = await api.post<{ id: string }>("/credential-profiles", {
    name,
    kind: "client_secret",
    client_id: tenant.client_id,
    client_secret: "some~value.that.ends",
    expires_at: soon,
    customer_id: customer.id,
  });
  await goto(`/?customer=${customer.id}`);
  const line = page.getByRole("row").filter({ hasText: name });
  await expect(line).toContainText("Its secret or certificate ends in 12 days");
  await line.getByRole("link", { name: "See profile" }).click();
  await expect(page).toHaveURL(`/credential-profiles/${profile.id}`);
  await expect(page.getByRole("main")).toContainText("Ends soon");
});
