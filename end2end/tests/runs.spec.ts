import { expect, test } from "../fixtures";

test("a run tells what it read, what it did, and what it kept out", async ({ page, goto, customer, tenant, control, api }) => {
  const integration = await api.connected(customer, tenant);
  const run = await api.run(integration);
  const counts = await api.get<{ counts: { object_type: string; total: number; created: number; filtered: number }[] }>(
    `/runs/${run.id}`,
  );
  const users = counts.counts.find((line) => line.object_type === "user")!;

  await goto(`/integrations/${integration.id}/sync-history`);
  await page.getByRole("table", { name: "Sync History" }).getByRole("row").nth(1).getByRole("link").first().click();
  await expect(page).toHaveURL(`/runs/${run.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Full sync");
  await expect(page.getByRole("main")).toContainText("Succeeded");
  const row = page.getByRole("region", { name: /Counts/ }).getByRole("row", { name: /^User/ });
  await expect(row).toContainText(new Intl.NumberFormat("en").format(users.total));
  await expect(row).toContainText(new Intl.NumberFormat("en").format(users.created));

  const about = page.getByRole("complementary", { name: "About this run" });
  await expect(about).toContainText(customer.name);
  await expect(about).toContainText("API token, end2end");
  await expect(about).toContainText("Requests");
  await expect(about).toContainText("Resource units");

  await test.step("each object that was kept out has its reason", async () => {
    await page.getByText("Status", { exact: true }).first().click();
    await page.getByRole("list", { name: "Status" }).getByRole("link", { name: "Filtered" }).click();
    await page.getByRole("searchbox", { name: "Search Changes" }).fill("Newsletter");
    await expect(page.getByRole("row", { name: /Newsletter/ })).toContainText("Distribution list: cannot be synced");
  });

  await test.step("the next one shows before and after", async () => {
    const everyone = await api.all<{ external_id: string; display_name: string; status: string }>(
      `/customers/${customer.id}/users`,
    );
    const user = everyone.find((one) => one.status === "active");
    await control.update(user!.external_id, { displayName: "Renamed Person" });
    const next = await api.run(integration, "delta");
    await goto(`/runs/${next.id}`);
    const changed = page.getByRole("table", { name: "Changes" }).getByRole("row", { name: /Renamed Person/ });
    await expect(changed).toContainText("Update");
    await expect(changed).toContainText("Applied");
    await expect(changed).toContainText(user!.display_name);
  });
});

test("a run that fails names the cause and the fix, with the code beside it", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.connected(customer, tenant);
  await control.expireSecrets();
  const run = await api.run(integration, "full", ["failed"]);

  await goto(`/runs/${run.id}`);
  await expect(page.getByRole("main")).toContainText("Failed");
  const about = page.getByRole("complementary", { name: "About this run" });
  await expect(about).toContainText("AADSTS7000222");
  await expect(about).toContainText(/expired/i);
  await expect(about).toContainText("To fix it:");

  await goto(`/integrations?customer=${customer.id}`);
  await expect(page.getByRole("table", { name: "Integrations" }).getByRole("row").nth(1)).toContainText("Failed");
  await goto(`/?customer=${customer.id}`);
  await expect(page.getByRole("main")).toContainText("Failing");
});
