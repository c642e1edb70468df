import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

interface User {
  id: string;
  external_id: string;
  display_name: string;
  status: string;
}

test("a filter is written, counted while it is typed, shown as CEL, previewed and saved", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Robota", "Filterly");
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("link", { name: "Filters" }).click();
  await expect(page).toHaveURL(`/integrations/${integration.id}/filters`);
  const rule = page.getByRole("group", { name: "User rule 1, keep out" });
  const counts = page.getByRole("region", { name: "Who of the users falls in and out" });

  await test.step("what is wrong is said at the rule", async () => {
    await rule.getByLabel("User rule 1, keep out, condition 1: attribute").fill("Surname");
    await rule.getByLabel("User rule 1, keep out, condition 1: value").fill("filterly");
    await expect(rule.getByText("It is called surname.")).toBeVisible();
    await rule.getByLabel("User rule 1, keep out, condition 1: attribute").fill("surname");
    await expect(rule.getByText("It is called surname.")).toBeHidden();
    await expect(page.getByText("1 unsaved change")).toBeVisible();
  });

  await test.step("the count follows, with who and why", async () => {
    await expect(counts.getByText("Keep out: surname is “filterly”").first()).toBeVisible();
    await expect(counts.getByText("Robota Filterly")).toBeVisible();
    await axeFindsNothing(page);
  });

  await test.step("it is shown as CEL, written as CEL, and turns back", async () => {
    await expect(rule.getByText('equals(surname, "filterly")')).toBeVisible();
    await rule.getByLabel("User rule 1, keep out: kind").selectOption("Expression (CEL)");
    const expression = rule.getByLabel("User rule 1, keep out: expression");
    await expect(expression).toHaveValue('equals(surname, "filterly")');
    await expression.fill('equals(surname, "filterly") && equals(givenName, "robota")');
    await expect(rule.getByText("In plain form, all of")).toBeVisible();
    await rule.getByLabel("User rule 1, keep out: kind").selectOption("All of");
    await expect(rule.getByLabel("User rule 1, keep out, condition 2: value")).toHaveValue("robota");
  });

  await test.step("a preview leads back to what is filled in", async () => {
    await page.getByRole("button", { name: "Preview of what is filled in" }).click();
    await expect(page).toHaveURL(/\/runs\//);
    await expect(page.getByText("Filter of users: keep out")).toBeVisible();
    await page.getByRole("link", { name: "Back to these settings" }).click();
    await expect(page.getByText("These filters come from a preview")).toBeVisible();
  });

  await test.step("saved, it comes with the next run, and Why? says so", async () => {
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("were saved")).toBeVisible();
    await api.run(integration, "delta");
    const users = await api.all<User>(`/customers/${customer.id}/users`);
    const user = users.find((one) => one.external_id === made.id)!;
    expect(user.status).toBe("inactive");
    await goto(`/users/${user.id}`);
    await expect(page.getByText("Excluded by filter").first()).toBeVisible();
    await page.getByRole("link", { name: "Filters" }).first().click();
    await expect(page).toHaveURL(`/integrations/${integration.id}/filters`);
  });
});

test("filters fit a narrow page", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);
  await page.setViewportSize({ width: 390, height: 844 });
  await goto(`/integrations/${integration.id}/filters`);
  await expect(page.getByRole("heading", { name: "User names and administrators" })).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await axeFindsNothing(page);
});

test("without the browser code filters are saved, and one that can’t be says why", async ({
  plain,
  customer,
  tenant,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  await plain.goto(`/integrations/${integration.id}/filters`);
  const attribute = plain.getByLabel("User rule 1, keep out, condition 1: attribute");
  await attribute.fill("nowhere");
  await plain.getByLabel("User rule 1, keep out, condition 1: value").fill("x");
  await plain.getByRole("button", { name: "Save" }).click();
  await expect(plain.getByText("A user has no attribute “nowhere”.", { exact: true })).toBeVisible();
  await attribute.fill("city");
  await plain.getByLabel("Domains").fill("contoso.example");
  await plain.getByRole("button", { name: "Save" }).click();
  await expect(attribute).toHaveValue("city");
  await expect(plain.getByLabel("Domains")).toHaveValue("contoso.example");
  await expect(plain.getByText("kept out, of").first()).toBeVisible();
});

test("names and functions are completed while an expression is written, on a narrow page too", async ({
  page,
  goto,
  customer,
  tenant,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  await page.setViewportSize({ width: 390, height: 844 });
  await goto(`/integrations/${integration.id}/filters`);
  const rule = page.getByRole("group", { name: "User rule 1, keep out" });
  await rule.getByLabel("User rule 1, keep out: kind").selectOption("Expression (CEL)");
  const expression = rule.getByLabel("User rule 1, keep out: expression");
  const list = rule.getByRole("listbox", { name: "Suggestions" });
  await expression.pressSequentially("is_em");
  await expression.press("Enter");
  await expression.pressSequentially("jobT");
  await expression.press("Tab");
  await expect(expression).toHaveValue("is_empty(jobTitle)");
  await expression.press("End");
  await expression.pressSequentially(" &&");
  await expression.press("Enter");
  await expression.pressSequentially("proxyAddresses.exi");
  await expect(list.getByRole("option")).toHaveCount(2);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await axeFindsNothing(page);
  await list.getByRole("option", { name: /^list\.exists\(x/ }).click();
  await expression.pressSequentially('a, equals(a, "smtp:x@x.example")');
  const written = 'is_empty(jobTitle) &&\nproxyAddresses.exists(a, equals(a, "smtp:x@x.example"))';
  await expect(expression).toHaveValue(written);
  await expect(page.getByText("1 unsaved change")).toBeVisible();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("were saved")).toBeVisible();
  const saved = await api.get<{ policy: { filters: { user: { exclude: object[] } } } }>(`/integrations/${integration.id}`);
  expect(saved.policy.filters.user.exclude).toEqual([{ expression: written }]);
});

test("user names are kept in one form where that is chosen", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Una", "Upper");
  await control.update(made.id, { userPrincipalName: `Una.UPPER@${tenant.domain}` });
  const integration = await api.synced(customer, tenant);
  const name = async () => {
    const users = await api.all<{ external_id: string; user_principal_name: string }>(`/customers/${customer.id}/users`);
    return users.find((one) => one.external_id === made.id)?.user_principal_name;
  };
  expect(await name()).toBe(`Una.UPPER@${tenant.domain}`);
  await goto(`/integrations/${integration.id}/filters`);
  await page.getByRole("switch", { name: "Normalise user names" }).check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("were saved")).toBeVisible();
  await api.run(integration, "delta");
  expect(await name()).toBe(`una.upper@${tenant.domain}`.toLowerCase());
});

test("the members of a chosen group administer the workspace", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Ada", "Administers");
  await control.createGroup("Workspace Admins", "security", [made.id]);
  const integration = await api.synced(customer, tenant);
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  const ada = users.find((one) => one.external_id === made.id)!;
  await goto(`/integrations/${integration.id}/filters`);
  const field = page.getByLabel("Administrators from");

  await test.step("a group that isn’t there is refused at its field", async () => {
    await field.fill("Nobody’s group");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(field).toHaveAccessibleDescription(/Nobody’s group/);
  });

  await test.step("its members do, as the next run finds them", async () => {
    await field.fill("Workspace Admins");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(page.getByText("were saved")).toBeVisible();
    await api.run(integration, "delta");
    await goto(`/users/${ada.id}`);
    await expect(page.getByText("Administers the workspace since")).toBeVisible();
    await expect(page.getByRole("button", { name: "Make administrator" })).toHaveCount(0);
  });
});

test("whoever has no license is kept out where that is chosen", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Lena", "Licenseless");
  const integration = await api.synced(customer, tenant);
  const statuses = async () => {
    const users = await api.all<User>(`/customers/${customer.id}/users`);
    const active = users.filter((one) => one.status === "active").length;
    return { made: users.find((one) => one.external_id === made.id)?.status, active };
  };
  const before = await statuses();
  expect(before.made).toBe("active");
  // Many may go: nobody decides about that here.
  const saved = await api.get<{ policy: { guard: object } }>(`/integrations/${integration.id}`);
  const guard = { ...saved.policy.guard, user: { max_count: null, max_percent: 100 } };
  await api.patch(`/integrations/${integration.id}`, { policy: { ...saved.policy, guard } });
  await goto(`/integrations/${integration.id}/filters`);
  await page.getByRole("switch", { name: "Include without a license" }).uncheck();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("were saved")).toBeVisible();
  await api.run(integration, "full");
  const after = await statuses();
  expect(after.made).toBe("inactive");
  expect(after.active).toBeGreaterThan(0);
  expect(after.active).toBeLessThan(before.active);
});
