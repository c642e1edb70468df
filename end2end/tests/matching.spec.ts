import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

interface User {
  id: string;
  external_id: string | null;
  display_name: string;
  source_type: string;
}

test("somebody who is here already is decided about, matched by the next run, and taken back", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Mattea", "Match");
  const userName = `mattea.match@${tenant.domain}`;
  const here = await api.post<User>(`/customers/${customer.id}/users`, {
    display_name: "Mattea Here",
    user_principal_name: userName,
    given_name: "Mattea",
    surname: "Match",
  });
  const integration = await api.synced(customer, tenant);

  await test.step("the page of the integration says that somebody waits", async () => {
    await goto(`/integrations/${integration.id}`);
    await expect(page.getByText("1 person waits")).toBeVisible();
    await page.getByRole("link", { name: "Decide", exact: true }).click();
    await expect(page).toHaveURL(/\/matching$/);
  });

  await test.step("the queue", async () => {
    const row = page.getByRole("row", { name: /Mattea Match/ });
    await expect(row).toContainText("Mattea Here");
    await expect(row).toContainText("Exact");
    await expect(row).toContainText(userName);
    await axeFindsNothing(page);
    await goto(`/integrations/${integration.id}/matching?strength=likely`);
    await expect(page.getByRole("heading", { name: "No people match" })).toBeVisible();
    await goto(`/integrations/${integration.id}/matching?q=matt`);
    await expect(page.getByRole("row", { name: /Mattea Match/ })).toBeVisible();
  });

  await test.step("a reason is asked for, and kept", async () => {
    await page.getByRole("link", { name: "Mattea Match" }).click();
    const dialog = page.getByRole("dialog", { name: "Mattea Match" });
    await expect(dialog.getByRole("radio", { name: "It is Mattea Here" })).toBeChecked();
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "The same person" }).click();
    await expect(dialog.getByLabel("Reason")).toHaveAccessibleDescription(/Say why/);
    await dialog.getByLabel("Reason").fill("Asked her");
    await dialog.getByRole("button", { name: "The same person" }).click();
    await expect(page.getByText("1 person: the same person. the next run does it")).toBeVisible();
    await expect(page.getByRole("heading", { name: "Nobody waits for a decision" })).toBeVisible();
  });

  await test.step("the next run does it", async () => {
    await api.run(integration, "delta");
    const user = await api.get<User>(`/users/${here.id}`);
    expect(user.external_id).toBe(made.id);
    expect(user.display_name).toBe("Mattea Match");
    await goto(`/integrations/${integration.id}/matching?state=decided`);
    await expect(page.getByRole("row", { name: /Mattea Match/ })).toContainText("Asked her");
  });

  await test.step("taken back, she is what she was", async () => {
    await page.getByRole("checkbox", { name: "Choose Mattea Match" }).check();
    await page.getByLabel("Reason").fill("It was her sister");
    await page.getByRole("button", { name: "Take back" }).click();
    await expect(page.getByText("1 person: taken back")).toBeVisible();
    const user = await api.get<User>(`/users/${here.id}`);
    expect(user.external_id).toBeNull();
    expect(user.display_name).toBe("Mattea Here");
    await goto(`/integrations/${integration.id}/matching`);
    await expect(page.getByRole("row", { name: /Mattea Match/ })).toContainText("Exact");
  });
});

test("many are decided about at once, and what can’t be says why", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  for (const [given, surname] of [
    ["Bea", "Bulk"],
    ["Cleo", "Bulk"],
  ] as const) {
    await control.createUser(given, surname);
    await api.post(`/customers/${customer.id}/users`, {
      display_name: `${given} Here`,
      user_principal_name: `${given}.bulk@${tenant.domain}`,
      given_name: given,
      surname,
    });
  }
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}/matching`);
  await page.getByRole("checkbox", { name: "Choose Bea Bulk" }).check();
  await page.getByRole("checkbox", { name: "Choose Cleo Bulk" }).check();
  await page.getByLabel("Reason").fill("T-7");
  await page.getByRole("button", { name: "Somebody of their own" }).click();
  await expect(page.getByText("signs in here with").first()).toBeVisible();
  await page.getByLabel("Reason").fill("T-7");
  await page.getByRole("checkbox", { name: "Choose Bea Bulk" }).check();
  await page.getByRole("checkbox", { name: "Choose Cleo Bulk" }).check();
  await page.getByRole("button", { name: "Ignore" }).click();
  await expect(page.getByText("2 people: ignore")).toBeVisible();
  await goto(`/integrations/${integration.id}/matching?state=decided`);
  await expect(page.getByRole("row", { name: /Bulk/ })).toHaveCount(2);
});

test("on a narrow screen the two sides stand below each other", async ({ page, goto, customer, tenant, control, api }) => {
  await control.createUser("Nina", "Narrow");
  await api.post(`/customers/${customer.id}/users`, {
    display_name: "Nina Here",
    user_principal_name: `nina.narrow@${tenant.domain}`,
  });
  const integration = await api.synced(customer, tenant);
  await page.setViewportSize({ width: 390, height: 844 });
  await goto(`/integrations/${integration.id}/matching`);
  await expect(page.getByText("Nina Here")).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await axeFindsNothing(page);
});

test("without the browser code one is decided about and taken back", async ({ plain, customer, tenant, control, api }) => {
  const made = await control.createUser("Petra", "Plain");
  await api.post(`/customers/${customer.id}/users`, {
    display_name: "Petra Here",
    user_principal_name: `petra.plain@${tenant.domain}`,
  });
  const integration = await api.synced(customer, tenant);
  await plain.goto(`/integrations/${integration.id}/matching/${made.id}`);
  await plain.getByRole("dialog").getByLabel("Reason").fill("T-8");
  await plain.getByRole("dialog").getByRole("button", { name: "Ignore" }).click();
  await expect(plain).toHaveURL(/\/matching$/);
  await plain.goto(`/integrations/${integration.id}/matching?state=decided`);
  await expect(plain.getByRole("row", { name: /Petra Plain/ })).toContainText("T-8");
  await plain.getByRole("checkbox", { name: "Choose Petra Plain" }).check();
  await plain.getByLabel("Reason").fill("T-9");
  await plain.getByRole("button", { name: "Take back" }).click();
  await plain.goto(`/integrations/${integration.id}/matching`);
  await expect(plain.getByRole("row", { name: /Petra Plain/ })).toContainText("Petra Here");
});

test("a rule on Tenant Configuration matches without asking", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Rula", "Rule");
  const here = await api.post<User>(`/customers/${customer.id}/users`, {
    display_name: "Rula Here",
    user_principal_name: `rula.rule@${tenant.domain}`,
  });
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  await page.getByLabel("Match exact by user name without asking").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "was saved" })).toBeVisible();
  await api.run(integration);
  const user = await api.get<User>(`/users/${here.id}`);
  expect(user.external_id).toBe(made.id);
});
