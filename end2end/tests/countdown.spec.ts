import type { Api, Customer, Integration } from "../api";
import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";
import type { Control, Tenant } from "../simulator";

interface User {
  id: string;
  external_id: string;
  display_name: string;
}

/** Somebody who was deleted in the tenant, under a policy that deletes nine days later. */
async function countedDown(api: Api, customer: Customer, tenant: Tenant, control: Control): Promise<[Integration, User]> {
  const made = await control.createUser("Carla", "Countdown");
  const integration = await api.synced(customer, tenant);
  await api.patch(`/integrations/${integration.id}`, {
    policy: { out_of_scope: "delete", delete_after_days: 9 },
  });
  await control.delete(made.id);
  await api.run(integration, "delta", ["succeeded"]);
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  return [integration, users.find((user) => user.external_id === made.id)!];
}

test("one person's deletion is cancelled, and counts again", async ({ page, goto, customer, tenant, control, api }) => {
  const [, user] = await countedDown(api, customer, tenant, control);

  await goto(`/users?customer=${customer.id}&countdown=counting`);
  await page.getByRole("link", { name: user.display_name }).click();
  const deletion = page.getByRole("region", { name: "Deletion", exact: true });
  await expect(deletion).toContainText(/To be deleted on .+ \(in 9 days\)/);
  await axeFindsNothing(page);
  await deletion.getByText("Keep", { exact: true }).click();
  await deletion.getByLabel("Note").fill("On leave");
  await deletion.getByRole("button", { name: "Cancel deletion" }).click();
  await expect(deletion).toContainText("Its deletion was cancelled by");
  await expect(deletion).toContainText("On leave");
  await expect(page.getByRole("heading", { name: /Its deletion was cancelled\.$/ })).toBeVisible();
  await axeFindsNothing(page);

  await deletion.getByRole("button", { name: "Count again" }).click();
  await expect(deletion).toContainText("To be deleted on");
});

test("somebody is kept without the browser code", async ({ plain, customer, tenant, control, api }) => {
  const [, user] = await countedDown(api, customer, tenant, control);
  await plain.goto(`/users/${user.id}`);
  const deletion = plain.getByRole("region", { name: "Deletion", exact: true });
  await deletion.getByText("Keep", { exact: true }).click();
  await deletion.getByRole("button", { name: "Cancel deletion" }).click();
  await expect(deletion).toContainText("Its deletion was cancelled by");
});
