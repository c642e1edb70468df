import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

interface User {
  id: string;
  external_id: string;
  display_name: string;
  status: string;
}

test("a rule is checked while it is typed, tried on people, previewed and saved", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Adabelle", "Lovelock");
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("link", { name: "Attributes" }).click();
  await expect(page).toHaveURL(`/integrations/${integration.id}/attributes`);
  const first = page.getByRole("group", { name: "User rule 1" });

  await test.step("what is wrong is said at the rule", async () => {
    await first.getByLabel("User rule 1: attribute").fill("display_name");
    await first.getByLabel("User rule 1: rule").selectOption("Expression");
    await first.getByLabel("User rule 1: value").fill("upper(surnam");
    await expect(page.getByText("')' is missing")).toBeVisible();
    await first.getByLabel("User rule 1: value").fill("upper(surnam)");
    await expect(page.getByText("A user has no attribute “surnam”.")).toBeVisible();
    await first.getByLabel("User rule 1: value").fill("upper(surname) + ', ' + givenName");
    await expect(page.getByText("A user has no attribute")).toBeHidden();
    await expect(page.getByText("1 unsaved change")).toBeVisible();
    await axeFindsNothing(page);
  });

  await test.step("it is tried on somebody, beside what the directory has", async () => {
    const people = page.getByRole("region", { name: "For real people" });
    await people.getByLabel("People").fill("Adabelle Lovelock");
    await people.getByRole("button", { name: "Try the rules" }).click();
    const row = people.getByRole("table", { name: "Rules for Adabelle Lovelock" }).getByRole("row").nth(1);
    await expect(row).toContainText("Adabelle Lovelock");
    await expect(row).toContainText("LOVELOCK, Adabelle");
    await axeFindsNothing(page);
  });

  await test.step("a preview shows the whole directory, and leads back", async () => {
    await page.getByRole("button", { name: "Preview of what is filled in" }).click();
    await expect(page).toHaveURL(/\/runs\//);
    await expect(page.getByText("Mapping of user display_name")).toBeVisible();
    await page.getByRole("link", { name: "Back to these settings" }).click();
    await expect(page.getByText("These rules come from a preview")).toBeVisible();
    await expect(first.getByLabel("User rule 1: value")).toHaveValue("upper(surname) + ', ' + givenName");
  });

  await test.step("saved, it comes with the next run", async () => {
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("were saved")).toBeVisible();
    await api.run(integration, "delta");
    const users = await api.all<User>(`/customers/${customer.id}/users`);
    const user = users.find((one) => one.external_id === made.id)!;
    expect(user.display_name).toBe("LOVELOCK, Adabelle");
    await goto(`/users/${user.id}`);
    await expect(page.getByText("Mapping of display_name")).toBeVisible();
  });
});

test("without the browser code a rule is saved, and one that can’t be says why", async ({
  plain,
  customer,
  tenant,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  await plain.goto(`/integrations/${integration.id}/attributes`);
  await plain.getByLabel("User rule 1: attribute").fill("jobTitle");
  await plain.getByLabel("User rule 1: rule").selectOption("Source attribute");
  await plain.getByLabel("User rule 1: value").fill("nowhere");
  await plain.getByRole("button", { name: "Save" }).click();
  await expect(plain.getByText("The user rule for jobTitle: A user has no attribute “nowhere”.")).toBeVisible();
  await plain.getByLabel("User rule 1: value").fill("department");
  await plain.getByRole("button", { name: "Save" }).click();
  await expect(plain.getByLabel("User rule 1: value")).toHaveValue("department");
  await expect(plain.getByLabel("User rule 2: attribute")).toHaveValue("");
  await plain.getByRole("button", { name: "Try the rules" }).click();
  await expect(plain.getByRole("table", { name: /^Rules for / }).first()).toContainText("jobTitle");
});

test("whom a rule fails for stays, and says so", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Nora", "Nocity");
  const integration = await api.synced(customer, tenant);
  const policy = {
    ...integration.policy,
    mapping: { user: [{ attribute: "officeLocation", rule: { expression: "city + '!'" } }] },
  };
  await api.patch(`/integrations/${integration.id}`, { policy });
  const run = await api.run(integration, "delta", ["partial"]);
  await goto(`/runs/${run.id}`);
  await expect(page.getByText("A mapping rule fails for").first()).toBeVisible();
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  const user = users.find((one) => one.external_id === made.id)!;
  expect(user.status).toBe("active");
  await goto(`/users/${user.id}`);
  await expect(page.getByText("it stays as it is: a mapping rule fails for it").first()).toBeVisible();
});

test("names and functions are completed while a rule is written", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}/attributes`);
  const first = page.getByRole("group", { name: "User rule 1" });
  const value = first.getByLabel("User rule 1: value");
  const list = page.getByRole("listbox", { name: "Suggestions" });
  await first.getByLabel("User rule 1: attribute").fill("jobTitle");

  await test.step("one name, from the list of all", async () => {
    await value.press("ArrowDown");
    await expect(list.getByRole("option", { name: /^displayName/ })).toBeVisible();
    await value.press("Escape");
    await expect(list).toBeHidden();
    await value.pressSequentially("emp");
    await value.press("ArrowDown");
    await expect(list.getByRole("option", { name: /^employeeType/ })).toHaveAttribute("aria-selected", "true");
    await axeFindsNothing(page);
    await value.press("Enter");
    await expect(value).toHaveValue("employeeType");
    await expect(list).toBeHidden();
  });

  await test.step("each of several names", async () => {
    await first.getByLabel("User rule 1: rule").selectOption("First non-empty");
    await value.press("End");
    await value.pressSequentially(", surn");
    await value.press("Tab");
    await expect(value).toHaveValue("employeeType, surname");
    await expect(value).toBeFocused();
  });

  await test.step("an expression of several lines", async () => {
    await first.getByLabel("User rule 1: rule").selectOption("Expression");
    await value.fill("");
    await value.pressSequentially("// the low name");
    await expect(list).toBeHidden();
    await value.press("Enter");
    await value.pressSequentially("low");
    await expect(list.getByRole("option", { name: /^lower\(text\)/ })).toHaveAttribute("aria-selected", "true");
    await value.press("Enter");
    await value.pressSequentially("surn");
    await value.press("Enter");
    await expect(value).toHaveValue("// the low name\nlower(surname)");
    await value.press("End");
    await value.pressSequentially(" + mailN");
    await value.press("Escape");
    await expect(list).toBeHidden();
    await value.press("Control+Space");
    await list.getByRole("option", { name: /^mailNickname/ }).click();
    await expect(value).toBeFocused();
    await expect(value).toHaveValue("// the low name\nlower(surname) + mailNickname");
    await expect(page.getByText("1 unsaved change")).toBeVisible();
  });

  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("were saved")).toBeVisible();
  await expect(value).toHaveValue("// the low name\nlower(surname) + mailNickname");
  const saved = await api.get<{ policy: { mapping: { user: object[] } } }>(`/integrations/${integration.id}`);
  expect(saved.policy.mapping.user).toEqual([
    { attribute: "jobTitle", rule: { expression: "// the low name\nlower(surname) + mailNickname" } },
  ]);
});

test("the tenant’s directory extensions are offered once they were asked for", async ({
  page,
  goto,
  watched,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}/attributes`);
  const load = page.getByRole("button", { name: "Load directory extensions" });
  await load.click();
  await expect(page.getByText("The permission to read directory extensions is missing")).toBeVisible();
  await expect(page.getByText("Their names can be typed all the same")).toBeVisible();
  expect(watched.complaints.splice(0).filter((line) => !line.includes("502"))).toEqual([]);

  await control.grant(["Directory.Read.All"]);
  await api.post(`/integrations/${integration.id}/test-connection`);
  await load.click();
  await expect(page.getByText("2 directory extensions are offered while you type")).toBeVisible();
  const first = page.getByRole("group", { name: "User rule 1" });
  await first.getByLabel("User rule 1: attribute").fill("jobTitle");
  const value = first.getByLabel("User rule 1: value");
  await value.pressSequentially("cost");
  await expect(page.getByRole("listbox", { name: "Suggestions" }).getByRole("option")).toHaveCount(1);
  await value.press("Enter");
  await expect(value).toHaveValue(/^extension_[0-9a-f]{32}_costCenter$/);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("were saved")).toBeVisible();
});

test("what has no rule shows its default, and a rule goes back to it", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await goto(`/integrations/${integration.id}/attributes`);
  const defaults = page.getByRole("table", { name: "Default rules of users" });
  const city = defaults.getByRole("row", { name: /^city / });
  await expect(defaults.getByRole("row", { name: /^given_name / })).toContainText("Source attribute givenName");

  await test.step("a rule is begun with it", async () => {
    await page.getByRole("button", { name: "Write a rule for city of a user" }).click();
    await expect(city).toHaveCount(0);
    const second = page.getByRole("group", { name: "User rule 2" });
    await expect(second.getByLabel("User rule 2: attribute")).toHaveValue("city");
    await expect(second.getByLabel("User rule 2: value")).toHaveValue("city");
    await second.getByLabel("User rule 2: value").fill("state");
    await expect(page.getByText("Default: source attribute city.")).toBeVisible();
    await expect(page.getByText("1 unsaved change")).toBeVisible();
    await axeFindsNothing(page);
  });

  await test.step("and goes back to it", async () => {
    await page.getByRole("button", { name: "Back to default: User rule 2" }).click();
    await expect(city).toHaveCount(1);
    await expect(page.getByText("unsaved change")).toBeHidden();
  });
});

test("the suggestions stand above the save bar on a narrow page", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.connected(customer, tenant);
  await page.setViewportSize({ width: 390, height: 844 });
  await goto(`/integrations/${integration.id}/attributes`);
  const first = page.getByRole("group", { name: "User rule 1" });
  await first.getByLabel("User rule 1: attribute").fill("jobTitle");
  await first.getByLabel("User rule 1: value").press("ArrowDown");
  const list = page.getByRole("listbox", { name: "Suggestions" });
  await expect(list).toBeInViewport({ ratio: 1 });
  const under = (await list.boundingBox())!;
  const bar = (await page.getByRole("button", { name: "Save", exact: true }).boundingBox())!;
  expect(under.y + under.height).toBeLessThanOrEqual(bar.y);
});
