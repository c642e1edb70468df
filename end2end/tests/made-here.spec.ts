import { axeFindsNothing } from "../audit";
import { expect, hydrated, OWNER_STATE, test } from "../fixtures";

interface User {
  id: string;
  external_id: string | null;
  display_name: string;
  status: string;
  attributes: Record<string, unknown>;
}

test("a user is added, changed, taken out of use, deleted and restored", async ({ page, goto, customer, unique }) => {
  const address = `${encodeURIComponent(unique("ada")).replaceAll("%20", ".")}@contoso.example`;

  await test.step("add", async () => {
    await goto(`/users?customer=${customer.id}`);
    await page.getByRole("link", { name: "Add User" }).click();
    const dialog = page.getByRole("dialog", { name: "Add User" });
    await expect(dialog).toContainText(`For ${customer.name}`);
    await axeFindsNothing(page);
    await dialog.getByLabel("Display name").fill("Ada Lovelace");
    await dialog.getByLabel("User name").fill("nobody");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("User name")).toHaveAccessibleDescription(/in the form of a mail address/);
    await dialog.getByLabel("User name").fill(address);
    await dialog.getByText("Other attributes").click();
    await dialog.getByLabel("Job title").fill("Countess");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Ada Lovelace" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("Manual");
    const attributes = page.getByRole("table", { name: "Attributes" });
    await expect(attributes.getByRole("row", { name: /Job title/ })).toContainText("Countess");
  });

  await test.step("a name belongs to one active person", async () => {
    await goto(`/users/add?customer=${customer.id}`);
    const dialog = page.getByRole("dialog", { name: "Add User" });
    await dialog.getByLabel("Display name").fill("Another");
    await dialog.getByLabel("User name").fill(address.toUpperCase());
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("User name")).toHaveAccessibleDescription(/Ada Lovelace signs in with/);
    await dialog.getByRole("link", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "Ada Lovelace" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Ada Lovelace" })).toBeVisible();
  });

  await test.step("edit", async () => {
    await page.getByRole("main").getByRole("link", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Edit User" });
    await expect(dialog.getByLabel("Job title")).toHaveValue("Countess");
    await dialog.getByLabel("Display name").fill("Ada King");
    await dialog.getByLabel("Job title").fill("");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Ada King" })).toBeVisible();
    await expect(page.getByRole("table", { name: "Attributes" })).not.toContainText("Countess");
  });

  await test.step("administrator and aliases", async () => {
    const here = page.getByRole("region", { name: "Decided here" });
    await here.getByRole("button", { name: "Make administrator" }).click();
    await expect(here).toContainText("Administers the workspace since");
    await here.getByRole("link", { name: "Change aliases" }).click();
    const dialog = page.getByRole("dialog", { name: "Change Aliases" });
    await dialog.getByLabel("Aliases").fill("ada.king@contoso.example\nking@contoso.example");
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(here).toContainText("ada.king@contoso.example, king@contoso.example");
  });

  await test.step("out of use and back", async () => {
    await page.getByRole("link", { name: "Deactivate" }).click();
    const dialog = page.getByRole("dialog", { name: "Deactivate Ada King" });
    await dialog.getByLabel("Note").fill("On leave");
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await expect(page.getByRole("main")).toContainText("Deactivated here");
    await page.getByRole("button", { name: "Reactivate" }).click();
    await expect(page.getByRole("link", { name: "Deactivate" })).toBeVisible();
  });

  await test.step("into the bin and back", async () => {
    await page.getByRole("main").getByRole("link", { name: "Delete", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Delete Ada King" });
    await expect(dialog).toContainText("for 30 days");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("region", { name: "Bin" })).toContainText("In the bin");
    await axeFindsNothing(page);
    await goto(`/users?customer=${customer.id}&status=deleted`);
    const row = page.getByRole("row", { name: /Ada King/ });
    await row.getByRole("button", { name: "Restore" }).click();
    await expect(page.getByText("Ada King is back")).toBeVisible();
    await expect(row).toHaveCount(0);
    await goto(`/users?customer=${customer.id}`);
    await expect(page.getByRole("row", { name: /Ada King/ })).toContainText("Active");
  });
});

test("a group is added and filled, and its members are taken out", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Petra", "Synced");
  await api.synced(customer, tenant);
  await api.post(`/customers/${customer.id}/users`, {
    display_name: "Hanna Here",
    user_principal_name: "hanna@contoso.example",
  });

  await goto(`/groups?customer=${customer.id}`);
  await page.getByRole("link", { name: "Add Group" }).click();
  const add = page.getByRole("dialog", { name: "Add Group" });
  await add.getByLabel("Name", { exact: true }).fill("Board");
  await add.getByLabel("Description").fill("Decides");
  await add.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Board" })).toBeVisible();

  await test.step("members from any source, several at once", async () => {
    await page.getByRole("link", { name: "Add Members" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Members" });
    await dialog.getByLabel("Find").fill("hanna");
    await dialog.getByRole("checkbox", { name: /Hanna Here/ }).check();
    // Who was ticked stays so while one looks for others.
    await dialog.getByLabel("Find").fill("petra syn");
    await dialog.getByRole("checkbox", { name: /Petra Synced/ }).check();
    await expect(dialog.getByRole("checkbox", { name: /Hanna Here/ })).toBeChecked();
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Add" }).click();
    const members = page.getByRole("table", { name: "Members" });
    await expect(members.getByRole("row")).toHaveCount(3);
  });

  await test.step("out again", async () => {
    await page.getByRole("checkbox", { name: "Remove Hanna Here" }).check();
    await page.getByRole("button", { name: "Remove ticked members" }).click();
    const members = page.getByRole("table", { name: "Members" });
    await expect(members.getByRole("row")).toHaveCount(2);
    await expect(members).toContainText("Petra Synced");
  });

  await test.step("a user’s own page sets its groups", async () => {
    const users = await api.all<User>(`/customers/${customer.id}/users`);
    const petra = users.find((user) => user.external_id === made.id)!;
    await goto(`/users/${petra.id}`);
    await page.getByRole("link", { name: "Change groups" }).click();
    const dialog = page.getByRole("dialog", { name: "Groups of Petra Synced" });
    await expect(dialog.getByLabel("Board")).toBeChecked();
    await dialog.getByLabel("Board").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("main")).toContainText("In no group.");
  });

  await test.step("a synced group says where it is filled", async () => {
    const groups = await api.all<{ id: string; source_type: string }>(`/customers/${customer.id}/groups`);
    const synced = groups.find((group) => group.source_type === "EntraSync")!;
    await goto(`/groups/${synced.id}`);
    await expect(page.getByRole("region", { name: "Where it is changed" })).toContainText("are changed in the source");
    await expect(page.getByRole("link", { name: "Add Members" })).toHaveCount(0);
  });
});

test("an attribute of a synced person is kept here, and follows its source again", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const made = await control.createUser("Petra", "Kept");
  const integration = await api.synced(customer, tenant);
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  const user = users.find((one) => one.external_id === made.id)!;
  const name = async () => (await api.get<User>(`/users/${user.id}`)).display_name;

  await goto(`/users/${user.id}`);
  await expect(page.getByRole("region", { name: "Where it is changed" })).toContainText("are changed in the source");
  await expect(page.getByRole("main").getByRole("link", { name: "Edit", exact: true })).toHaveCount(0);
  await page.getByRole("link", { name: "Keep an attribute" }).click();
  const dialog = page.getByRole("dialog", { name: "Keep an Attribute" });
  await dialog.getByLabel("Attribute").selectOption("Display name");
  await dialog.getByLabel("Value").fill("Petra of Ours");
  await dialog.getByLabel("Note").fill("T-1");
  await axeFindsNothing(page);
  await dialog.getByRole("button", { name: "Keep here" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Petra of Ours" })).toBeVisible();
  await expect(page.getByRole("table", { name: "Kept here" })).toContainText("T-1");
  await expect(page.getByRole("main")).toContainText("Some attributes are kept here");

  await control.update(made.id, { displayName: "Petra of Theirs" });
  await api.run(integration, "delta");
  expect(await name()).toBe("Petra of Ours");
  await page.getByRole("button", { name: "Follow the source" }).click();
  await expect(page.getByText("every attribute follows the source")).toBeVisible();
  await api.run(integration, "delta");
  expect(await name()).toBe("Petra of Theirs");
});

test("people and groups are made without the browser code", async ({ plain, customer, api }) => {
  await api.post(`/customers/${customer.id}/groups`, { display_name: "Board" });
  await plain.goto(`/users/add?customer=${customer.id}`);
  await plain.getByLabel("Display name").fill("Paula Plain");
  await plain.getByLabel("User name").fill("nobody");
  await plain.getByLabel("Board").check();
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  // What was filled in is still there, with what is wrong.
  await expect(plain.getByLabel("User name")).toHaveAttribute("aria-invalid", "true");
  await expect(plain.getByLabel("Display name")).toHaveValue("Paula Plain");
  await expect(plain.getByLabel("Board")).toBeChecked();
  await plain.getByLabel("User name").fill("paula@contoso.example");
  await plain.getByRole("button", { name: "Add", exact: true }).click();
  await expect(plain.getByRole("heading", { level: 1, name: "Paula Plain" })).toBeVisible();
  await plain.getByRole("link", { name: "Board" }).click();
  await plain.getByRole("link", { name: "Add Members" }).click();
  await plain.getByLabel("Find", { exact: true }).fill("paula");
  await plain.getByRole("button", { name: "Search", exact: true }).click();
  await expect(plain.getByText("Nobody else of the customer")).toBeVisible();
});

test("any attribute that a rule can make can be kept here", async ({ page, goto, customer, tenant, control, api }) => {
  const made = await control.createUser("Petra", "Proxied");
  await api.synced(customer, tenant);
  const users = await api.all<User>(`/customers/${customer.id}/users`);
  const id = users.find((one) => one.external_id === made.id)!.id;
  const attributes = async () => (await api.get<User>(`/users/${id}`)).attributes;

  await goto(`/users/${id}/keep`);
  const dialog = page.getByRole("dialog", { name: "Keep an Attribute" });
  await dialog.getByLabel("Attribute").selectOption("proxyAddresses");
  await dialog.getByLabel("Value").fill("SMTP:petra@x.example, smtp:p@x.example");
  await dialog.getByRole("button", { name: "Keep here" }).click();
  await expect(dialog).toHaveCount(0);
  expect((await attributes())["proxyAddresses"]).toEqual(["SMTP:petra@x.example", "smtp:p@x.example"]);

  await goto(`/users/${id}/keep`);
  await dialog.getByLabel("Attribute").selectOption("onPremisesSyncEnabled");
  await dialog.getByLabel("Value").fill("perhaps");
  await dialog.getByRole("button", { name: "Keep here" }).click();
  await expect(dialog.getByLabel("Value")).toHaveAccessibleDescription(/Enter true or false/);
  await dialog.getByLabel("Value").fill("yes");
  await dialog.getByRole("button", { name: "Keep here" }).click();
  await expect(dialog).toHaveCount(0);
  expect((await attributes())["onPremisesSyncEnabled"]).toBe(true);
});

test("back leads to the list as it was, and of two people at once the second is told", async ({
  page,
  goto,
  browser,
  customer,
  api,
}) => {
  const ada = await api.post<User>(`/customers/${customer.id}/users`, {
    display_name: "Ada Here",
    user_principal_name: "ada@contoso.example",
  });
  const context = await browser.newContext({ storageState: OWNER_STATE });
  const other = await context.newPage();
  await other.goto(`/users/${ada.id}/deactivate`);
  await hydrated(other);

  await goto(`/users?customer=${customer.id}&q=ada`);
  await page.getByRole("link", { name: "Ada Here" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Ada Here" })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(/q=ada/);
  await expect(page.getByRole("table", { name: "Users" }).getByRole("row")).toHaveCount(2);
  await page.goForward();
  await page.getByRole("main").getByRole("link", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("region", { name: "Bin" })).toBeVisible();

  await other.getByRole("dialog").getByRole("button", { name: "Deactivate" }).click();
  await expect(other.getByText(/is in the bin. Restore it first/).first()).toBeVisible();
  await context.close();

  expect((await api.get<User>(`/users/${ada.id}`)).status).toBe("deleted");
});
