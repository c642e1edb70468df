import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

interface User {
  id: string;
  external_id: string;
  display_name: string;
  user_principal_name: string;
}

const QUESTION = "Why is somebody (not) here?";

test("the page of a user opens with why", async ({ page, goto, customer, tenant, api }) => {
  await api.synced(customer, tenant);
  const [user] = await api.all<User>(`/customers/${customer.id}/users`);
  const why = await api.get<{ answer: string; steps: { title: string }[] }>(`/users/${user!.id}/why`);
  await goto(`/users/${user!.id}`);
  await expect(page.getByRole("heading", { name: why.answer })).toBeVisible();
  const steps = page.getByRole("list", { name: "Steps" }).getByRole("listitem");
  await expect(steps).toHaveCount(why.steps.length);
  await expect(steps.first()).toContainText(why.steps[0]!.title);
  await axeFindsNothing(page);
});

test("whoever is out of scope is asked for, and the answer has an address", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const integration = await api.synced(customer, tenant);
  const outside = await control.createUser("Zuleika", "Outsider");
  await goto(`/integrations/${integration.id}`);
  await page.getByRole("searchbox", { name: QUESTION }).fill("zuleika outsider");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page).toHaveURL(/\/why\?object=zuleika%20outsider/);
  await expect(page.getByText("Asked for in Entra ID just now")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Not here yet. The next run would add it." })).toBeVisible();
  await axeFindsNothing(page);

  // Nobody has to wait for the next run.
  await page.getByRole("button", { name: "Sync now" }).click();
  await expect(page).toHaveURL(/\/runs\//);
  await expect(page.getByRole("heading", { name: "Single sync of Zuleika Outsider" })).toBeVisible();
  await expect(page.getByText("Applied 1 change.")).toBeVisible();
  await axeFindsNothing(page);

  await goto(`/integrations/${integration.id}/why?object=${outside.id}`);
  await expect(page.getByRole("searchbox", { name: QUESTION })).toHaveValue(outside.id);
  await page.getByRole("searchbox", { name: QUESTION }).fill("nobody of that name");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("heading", { name: "Nothing fits" })).toBeVisible();
});

test("without the browser code", async ({ plain, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);
  const [user] = await api.all<User>(`/customers/${customer.id}/users`);
  await plain.goto(`/integrations/${integration.id}`);
  await plain.getByRole("searchbox", { name: QUESTION }).fill(user!.user_principal_name);
  await plain.getByRole("button", { name: "Explain" }).click();
  await expect(plain.getByRole("list", { name: "Steps" })).toBeVisible();
  await expect(plain.getByRole("link", { name: user!.display_name })).toBeVisible();
});
