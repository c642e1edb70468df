import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

test("the guard says at how many it would hold, while its limit is typed", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);
  await goto(`/integrations/${integration.id}`);
  const guard = page.getByRole("complementary", { name: "Guard" });
  await guard.getByLabel("User: at most").fill("5");
  await guard.getByLabel("User: or share, in percent").fill("100");
  await expect(guard.getByText(/With today’s directory this would hold at 6 \(/)).toBeVisible();
  await guard.getByLabel("User: at most").fill("");
  await expect(guard.getByText(/With today’s directory this would hold at 6 \(/)).toHaveCount(0);
  await axeFindsNothing(page);
});
