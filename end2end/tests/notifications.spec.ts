import { expect, test } from "../fixtures";

test("a webhook is added with a secret shown once, tested in place, changed and removed", async ({ page, goto, customer, unique }) => {
  // A name that leads nowhere: what comes of the test is a failure with its fix.
  const address = `https://hooks.invalid/${encodeURIComponent(unique("rollcall"))}`;
  let secret = "";

  await test.step("add", async () => {
    await goto(`/customers/${customer.id}`);
    const section = page.getByRole("region", { name: "Notifications" });
    await expect(section).toContainText("Nobody is told yet");
    await section.getByRole("link", { name: "Add Recipient" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Recipient" });
    await dialog.getByRole("link", { name: "Webhook" }).click();
    secret = await dialog.getByLabel("Signing secret").inputValue();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await dialog.getByLabel("Address").fill("http://hooks.invalid/");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("Address")).toHaveAccessibleDescription(/Use https/);
    await expect(dialog.getByLabel("Signing secret")).toHaveValue(secret);
    await dialog.getByLabel("Address").fill(address);
    await dialog.getByLabel("Quarantined").uncheck();
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("heading", { level: 1, name: address })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("Told of: Held, Failing, Recovered");
  });

  await test.step("test", async () => {
    await page.getByRole("button", { name: "Send a test message" }).click();
    await expect(page.getByRole("alert")).toContainText("The webhook can’t be reached");
    const messages = page.getByRole("table", { name: "Last messages" });
    await expect(messages.getByRole("row", { name: "Test message from Rollcall" })).toContainText("Failed");
  });

  await test.step("edit, with another secret", async () => {
    await page.getByRole("main").getByRole("link", { name: "Edit" }).click();
    const edit = page.getByRole("dialog", { name: "Edit Recipient" });
    await edit.getByLabel("Quarantined").check();
    await edit.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("main")).toContainText("Told of: Everything");
    await page.getByRole("link", { name: "New signing secret" }).click();
    const rotate = page.getByRole("dialog", { name: "New signing secret" });
    await expect(rotate.getByLabel("Signing secret")).not.toHaveValue(secret);
    await rotate.getByRole("button", { name: "Use this secret" }).click();
    await expect(page.getByRole("status").filter({ hasText: "new secret" })).toBeVisible();
    await expect(page).toHaveURL(/\/notification-recipients\/[0-9a-f-]+$/);
    await goto(page.url());
    expect(await page.content()).not.toContain("whsec_");
  });

  await test.step("remove", async () => {
    await page.getByRole("main").getByRole("link", { name: "Remove" }).click();
    await page.getByRole("dialog", { name: "Remove Recipient" }).getByRole("button", { name: "Remove" }).click();
    await expect(page).toHaveURL(`/customers/${customer.id}`);
    await expect(page.getByText("Nobody is told yet")).toBeVisible();
  });
});

test("mail that isn’t set up says so, on the page and in what comes of a test", async ({ plain, customer }) => {
  await plain.goto(`/customers/${customer.id}/notifications/add`);
  await plain.getByLabel("E-mail address").fill("nobody");
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByLabel("E-mail address")).toHaveAttribute("aria-invalid", "true");
  await plain.getByLabel("E-mail address").fill("mina@example.com");
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByRole("heading", { level: 1, name: "mina@example.com" })).toBeVisible();
  await plain.getByRole("button", { name: "Send a test message" }).click();
  await expect(plain.getByRole("alert")).toContainText("Mail isn’t set up");
});
