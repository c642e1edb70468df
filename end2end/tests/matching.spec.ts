import { axeFindsNothing } from "../audit";
import { expect, hydrated, OWNER_STATE, test } from "../fixtures";

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

test("mail, alias and employee id say how sure it is, and somebody new is confirmed", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  test.setTimeout(120_000);
  const integration = await api.synced(customer, tenant, { policy: { matching: { confirm_new: true } } });
  const here = async (name: string, more: object) =>
    api.post<User>(`/customers/${customer.id}/users`, {
      display_name: name,
      user_principal_name: `${name.toLowerCase().replace(" ", ".")}@elsewhere.example`,
      ...more,
    });
  await here("Mia Here", { mail: "mia@shared.example" });
  await here("Ali Here", { aliases: [`ali.alias@${tenant.domain}`] });
  await here("Emma Here", { attributes: { employeeId: "E-77" } });
  // By employee id too, but with other names: less sure.
  await here("Otto Other", { attributes: { employeeId: "E-78" }, given_name: "Otto", surname: "Other" });
  const mia = await control.createUser("Mia", "Mail");
  await control.update(mia.id, { mail: "mia@shared.example" });
  await control.createUser("Ali", "Alias");
  const emma = await control.createUser("Emma", "Employed");
  await control.update(emma.id, { employeeId: "E-77" });
  const otis = await control.createUser("Otis", "Otherwise");
  await control.update(otis.id, { employeeId: "E-78" });
  await control.createUser("Nora", "New");
  await api.run(integration, "delta", ["succeeded", "nothing_to_do"]);

  await test.step("each says what is in common, and how sure that is", async () => {
    await goto(`/integrations/${integration.id}/matching?rows=1000`);
    for (const [name, strength, common] of [
      ["Mia Mail", "Likely", "Mail address"],
      ["Ali Alias", "Likely", "Alias"],
      ["Emma Employed", "Exact", "Employee id"],
      ["Otis Otherwise", "Likely", "given name and surname differ"],
      ["Nora New", "New", "Nora"],
    ] as const) {
      const row = page.getByRole("row", { name: new RegExp(name) });
      await expect(row).toContainText(strength);
      await expect(row).toContainText(common);
    }
  });

  await test.step("the queue is filtered by how sure it is, and back leads to all of it", async () => {
    await page.goBack();
    await goto(`/integrations/${integration.id}/matching?strength=exact`);
    await expect(page.getByRole("row", { name: /Emma Employed/ })).toBeVisible();
    await expect(page.getByRole("row", { name: /Mia Mail/ })).toHaveCount(0);
    await page.getByRole("link", { name: "Emma Employed" }).click();
    await expect(page.getByRole("dialog", { name: "Emma Employed" })).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page.getByRole("row", { name: /Emma Employed/ })).toBeVisible();
  });

  await test.step("somebody new is let in", async () => {
    await goto(`/integrations/${integration.id}/matching?q=nora`);
    await page.getByRole("link", { name: "Nora New" }).click();
    const dialog = page.getByRole("dialog", { name: "Nora New" });
    await expect(dialog.getByRole("button", { name: "The same person" })).toHaveCount(0);
    await dialog.getByLabel("Reason").fill("T-1");
    await dialog.getByRole("button", { name: "Somebody of their own" }).click();
    await expect(page.getByText(/^1 person: somebody of their own/)).toBeVisible();
  });

  await test.step("three are the same, at once", async () => {
    await goto(`/integrations/${integration.id}/matching?rows=1000`);
    for (const name of ["Mia Mail", "Ali Alias", "Emma Employed"]) {
      await page.getByRole("checkbox", { name: `Choose ${name}` }).check();
    }
    await page.getByLabel("Reason").fill("T-2");
    await page.getByRole("button", { name: "The same person" }).click();
    await expect(page.getByText(/^3 people: the same person/)).toBeVisible();
    await api.run(integration, "delta");
    const users = await api.all<User>(`/customers/${customer.id}/users?q=mi`);
    expect(users.filter((user) => user.external_id === mia.id)).toHaveLength(1);
    const all = await api.all<User>(`/customers/${customer.id}/users`);
    const names = all.map((user) => user.display_name);
    for (const name of ["Mia Mail", "Ali Alias", "Emma Employed", "Nora New"]) {
      expect(names).toContain(name);
    }
    for (const name of ["Mia Here", "Ali Here", "Emma Here"]) {
      expect(names).not.toContain(name);
    }
    expect(names, "nobody decided about the last one").toContain("Otto Other");
    expect(names).not.toContain("Otis Otherwise");
  });
});

test("two who decide at once: the second is told what the first decided", async ({
  page,
  goto,
  browser,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Tessa", "Twice");
  await api.post(`/customers/${customer.id}/users`, {
    display_name: "Tessa Here",
    user_principal_name: `tessa.twice@${tenant.domain}`,
  });
  const integration = await api.synced(customer, tenant);
  const path = `/integrations/${integration.id}/matching/${made.id}`;
  const context = await browser.newContext({ storageState: OWNER_STATE });
  const other = await context.newPage();
  await other.goto(path);
  await hydrated(other);
  await goto(path);
  await page.getByRole("dialog").getByLabel("Reason").fill("T-3");
  await page.getByRole("dialog").getByRole("button", { name: "Ignore" }).click();
  await expect(page.getByText(/^1 person: /)).toBeVisible();
  await other.getByRole("dialog").getByLabel("Reason").fill("T-4");
  await other.getByRole("dialog").getByRole("button", { name: "The same person" }).click();
  await expect(other.getByText(/decided this already/).first()).toBeVisible();
  await context.close();
});
