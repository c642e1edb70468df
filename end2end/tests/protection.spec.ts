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
