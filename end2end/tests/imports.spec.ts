import { axeFindsNothing } from "../audit";
import { expect, hydrated, test } from "../fixtures";

const file = (text: string) => ({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(text) });

test("a file is looked at, corrected and imported", async ({ page, goto, customer, unique }) => {
  const tail = unique("x").replace(/[^a-z0-9]/gi, "").toLowerCase();
  await goto(`/customers/${customer.id}`);
  await page.getByRole("link", { name: "Imports" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Imports" })).toBeVisible();
  await axeFindsNothing(page);

  await test.step("a file that is none is refused at its field", async () => {
    await page.getByLabel("File").setInputFiles(file("upn,name\n"));
    await page.getByRole("button", { name: "Look at the file" }).click();
    await expect(page.getByText("no rows below it")).toBeVisible();
    await expect(page.getByLabel("File")).toHaveAttribute("aria-invalid", "true");
  });

  await test.step("a column that isn't known is chosen", async () => {
    const text = `Wie;Voornaam;Achternaam\nada.${tail}@contoso.example;Ada;Lovelace\nnobody;Bea;Byron\n`;
    await page.getByLabel("File").setInputFiles(file(text));
    await page.getByRole("button", { name: "Look at the file" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "people.csv" })).toBeVisible();
    await expect(page.getByText("Choose the column that holds the user name")).toBeVisible();
    await page.getByLabel("Wie is imported as").selectOption("User name");
    await page.getByRole("button", { name: "Look again" }).click();
    const rows = page.getByRole("table", { name: "Rows" });
    await expect(rows.getByRole("row", { name: /Lovelace/ })).toContainText("Create");
    await expect(rows.getByRole("row", { name: /Byron/ })).toContainText("Wie: Enter a name in the form of a mail address");
    await axeFindsNothing(page);
  });

  await test.step("rows are filtered by what comes of them", async () => {
    await page.getByRole("link", { name: "1 with errors" }).click();
    await expect(page.getByRole("table", { name: "Rows" }).getByRole("row")).toHaveCount(2);
    await page.setViewportSize({ width: 390, height: 844 });
    await axeFindsNothing(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step("the good ones are imported, and the history has a line", async () => {
    await page.getByRole("button", { name: "Import the good ones" }).click();
    await expect(page.getByText("The import was applied")).toBeVisible();
    await page.getByRole("link", { name: "See the run" }).click();
    await expect(page).toHaveTitle(/Import of people.csv/);
    await expect(page.getByRole("table", { name: "Changes" }).getByRole("row", { name: /Ada Lovelace/ })).toContainText("Applied");
    await axeFindsNothing(page);
    await goto(`/sync-history?customer=${customer.id}`);
    await expect(page.getByRole("link", { name: "Import of people.csv" })).toBeVisible();
    await goto(`/users?customer=${customer.id}`);
    await expect(page.getByRole("row", { name: /Ada Lovelace/ })).toContainText("Import");
  });
});

test("people come with passwords and sign in with them, by an alias too; nobody comes twice", async ({ page, goto, customer, browser, baseURL, unique }) => {
  test.setTimeout(90_000);
  const tail = unique("w").replace(/[^a-z0-9]/gi, "").toLowerCase();
  const [name, alias, password] = [`wil.${tail}@contoso.example`, `boss.${tail}@contoso.example`, "seven green kettles sing"];
  await goto(`/customers/${customer.id}/imports`);
  const text = `User name,Name,Password,Aliases,Employee id\n${name},Wil Helder,${password},${alias},77\n`;
  await page.getByLabel("File").setInputFiles(file(text));
  await page.getByRole("button", { name: "Look at the file" }).click();
  await expect(page.getByLabel("Password is imported as")).toHaveValue("password");
  await page.getByRole("button", { name: "Import all" }).click();
  await expect(page.getByText("1 of 1 passwords set.")).toBeVisible({ timeout: 30_000 });
  await axeFindsNothing(page);

  await test.step("the alias is a name to sign in with", async () => {
    const context = await browser.newContext({ storageState: { cookies: [], origins: [] }, ...(baseURL && { baseURL }) });
    const own = await context.newPage();
    await own.goto("/my/sign-in");
    await hydrated(own);
    await own.getByLabel("User name").fill(alias.toUpperCase());
    await own.getByLabel("Password").fill(password);
    await own.getByRole("button", { name: "Sign in" }).click();
    await expect(own).toHaveURL("/my");
    await expect(own.getByRole("heading", { level: 1 })).toHaveText("Wil Helder");
    await expect(own.getByRole("main")).toContainText(alias);
    await context.close();
  });

  await test.step("under another name the same employee id is refused, with whose it is", async () => {
    await goto(`/customers/${customer.id}/imports`);
    await page.getByLabel("File").setInputFiles(file(`User name,Name,Employee id\nother.${tail}@contoso.example,Wil,77\n`));
    await page.getByRole("button", { name: "Look at the file" }).click();
    const row = page.getByRole("table", { name: "Rows" }).getByRole("row", { name: /other/ });
    await expect(row).toContainText(`Employee id: Wil Helder (${name}) has this employee id already`);
    await expect(page.getByText("No row can be imported")).toBeVisible();
  });
});

test("who is in groups of the tenant is brought in once, through an integration that never ran", async ({ page, goto, customer, tenant, control, api, unique }) => {
  const integration = await api.connected(customer, tenant);
  await api.post(`/integrations/${integration.id}/test-connection`);
  const surname = unique("q").replace(/[^a-z]/gi, "").toLowerCase();
  const one = await control.createUser("Quinta", surname);
  const group = unique("Onceonly");
  await control.createGroup(group, "security", [one.id]);
  await goto(`/customers/${customer.id}/imports/from-groups?integration=${integration.id}`);
  await page.getByLabel("Find groups by their name").fill(group);
  await page.getByRole("list", { name: "Groups found" }).getByLabel(group).click();
  await page.getByRole("button", { name: "Look at the members" }).click();
  const rows = page.getByRole("table", { name: "Rows" });
  await expect(rows.getByRole("row", { name: /Quinta/ })).toContainText("Create");
  await page.getByRole("button", { name: "Import all" }).click();
  await expect(page.getByText("The import was applied")).toBeVisible();
  await goto(`/users?customer=${customer.id}`);
  await expect(page.getByRole("table", { name: "Users" }).getByRole("row", { name: /Quinta/ })).toContainText("Import");
});

test("members of groups are imported once", async ({ page, goto, customer, tenant, control, api, unique }) => {
  const integration = await api.synced(customer, tenant);
  const group = unique("Importfield");
  await control.createGroup(group, "security");
  await goto(`/customers/${customer.id}/imports/from-groups?integration=${integration.id}`);
  await page.getByLabel("Find groups by their name").fill(group);
  await page.getByRole("list", { name: "Groups found" }).getByLabel(group).click();
  await expect(page.getByRole("list", { name: "Chosen groups" }).getByLabel(group)).toBeChecked();
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Look at the members" }).click();
  await expect(page.getByText("Nobody is a member of these groups")).toBeVisible();
});

test("a file is imported without the browser code", async ({ plain, customer, unique }) => {
  const tail = unique("p").replace(/[^a-z0-9]/gi, "").toLowerCase();
  await plain.goto(`/customers/${customer.id}/imports`);
  await plain.getByLabel("File").setInputFiles(file(`upn,name\npaula.${tail}@contoso.example,Paula Plain\n`));
  await plain.getByRole("button", { name: "Look at the file" }).click();
  await expect(plain.getByRole("heading", { level: 1, name: "people.csv" })).toBeVisible();
  await plain.getByLabel("upn is imported as").selectOption("Left aside");
  await plain.getByRole("button", { name: "Look again" }).click();
  await expect(plain.getByText("Choose the column that holds the user name")).toBeVisible();
  await plain.getByLabel("upn is imported as").selectOption("User name");
  await plain.getByRole("button", { name: "Look again" }).click();
  await plain.getByRole("button", { name: "Import all" }).click();
  await expect(plain.getByText("The import was applied")).toBeVisible();
  await expect(plain.getByRole("row", { name: /Paula Plain/ })).toContainText("Create");
  await axeFindsNothing(plain);
});
