import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

interface User {
  id: string;
  external_id: string;
  status: string;
}

test("a protected person outlives the source, until the protection is removed", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Petra", "Protected");
  const integration = await api.synced(customer, tenant);
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  const user = users.find((one) => one.external_id === made.id)!;

  await goto(`/users/${user.id}`);
  await page.getByText("Protect from sync", { exact: true }).click();
  await page.getByLabel("Note").fill("Break glass");
  await page.getByRole("button", { name: "Protect", exact: true }).click();
  const protection = page.getByRole("region", { name: "Protection" });
  await expect(protection).toContainText("Protected from sync by");
  await axeFindsNothing(page);

  await control.delete(made.id);
  await api.run(integration, "delta");
  expect((await api.get<User>(`/users/${user.id}`)).status).toBe("active");
  await protection.getByRole("button", { name: "Remove protection" }).click();
  await expect(page.getByText("Protect from sync", { exact: true })).toBeVisible();
  await api.run(integration, "delta");
  expect((await api.get<User>(`/users/${user.id}`)).status).toBe("inactive");
});

test("a rule protects whoever it matches", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Petra", "Breakglass");
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  const rules = page.getByRole("group", { name: "Protected people" });
  await rules.getByLabel("Rule 1: attribute").selectOption("Surname");
  await rules.getByLabel("Rule 1: comparison").selectOption("is");
  await rules.getByLabel("Rule 1: value").fill("BREAKGLASS");
  await expect(rules).toContainText("In today’s directory they protect 1 person.");
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("was saved")).toBeVisible();

  await control.delete(made.id);
  await api.run(integration, "delta");
  await goto(`/users?customer=${customer.id}&protected=by_rule`);
  await page.getByRole("link", { name: "Petra Breakglass" }).click();
  const rule = page.getByRole("region", { name: "Protection by rule" });
  await expect(rule).toContainText("Surname is “BREAKGLASS”");
  await rule.getByRole("link").click();
  await rules.getByRole("button", { name: "Remove rule 1" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("was saved")).toBeVisible();
  await api.run(integration, "delta");
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  expect(users.find((one) => one.external_id === made.id)!.status).toBe("inactive");
});
