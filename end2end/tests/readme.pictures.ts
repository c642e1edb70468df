// The pictures of the README, of the running product with what the simulator plays in it.
import path from "node:path";

import { expect, test } from "../fixtures";
import { Control, farm } from "../simulator";

const FOLDER = path.join(import.meta.dirname, "../../docs/screenshots");
/** How many customers there are to be seen. */
const CUSTOMERS = 9;

test("pictures", async ({ page, goto, api, request }) => {
  test.setTimeout(300_000);
  const { tenants } = farm();
  const integrations = [];
  for (const [i, tenant] of tenants.slice(0, CUSTOMERS).entries()) {
    const control = new Control(request, tenant);
    const integration = await api.synced(await api.customer(tenant.display_name), tenant);
    for (let round = 0; round < 3; round += 1) {
      await control.randomChanges(4 + i, round);
      await api.run(integration, "delta", ["succeeded", "nothing_to_do", "partial"]);
    }
    integrations.push({ integration, control });
  }
  const { integration, control } = integrations[0]!;
  const failing = integrations[3]!.integration;
  const { credential_profile_id } = await api.get<{ credential_profile_id: string }>(`/integrations/${failing.id}`);
  await api.patch(`/credential-profiles/${credential_profile_id}`, { client_secret: "mistyped~secret" });
  await api.run(failing, "full", ["failed"]);
  const { policy } = await api.get<{ policy: object }>(`/integrations/${integration.id}`);
  const groups = await api.all<{ external_id: string }>(`/customers/${integration.customer_id}/groups`);
  await control.randomChanges(5, 9);
  const run = await api.run(integration, "delta", ["succeeded", "nothing_to_do", "partial"]);
  await api.patch(`/integrations/${integration.id}`, {
    policy: { ...policy, selected_group_ids: groups.slice(0, 3).map((group) => group.external_id) },
  });

  const picture = async (name: string, address: string, colorScheme: "light" | "dark", width = 1440, height = 900) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await goto(address);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
  };
  await picture("sync-history-light", "/sync-history", "light");
  await picture("overview-dark", "/", "dark");
  await picture("integration-light", `/integrations/${integration.id}`, "light");
  await picture("run-dark", `/runs/${run.id}`, "dark");
  await picture("users-390-light", `/users?customer=${integration.customer_id}`, "light", 390, 844);
});
