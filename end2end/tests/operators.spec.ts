// Operators: invited with a link that is handed over (operators-mail.spec.ts has those by mail), given other
// customers, signed out, disabled, removed; and the tags by which roles are given.
import { expect, hydrated, test } from "../fixtures";

const STRANGER = { cookies: [], origins: [] };
const PASSWORD = "seven small green teapots";

const address = (name: string) => `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, ".")}@end2end.example`;

test("somebody is invited, joins, loses a right at the next click and is disabled", async ({
  page,
  goto,
  browser,
  customer,
  unique,
}) => {
  const name = unique("Noor <b>Newcomer</b>");
  const email = address(unique("noor newcomer"));
  let link = "";

  await test.step("invite for one customer", async () => {
    await goto("/operators");
    await page.getByRole("link", { name: "Invite Operator" }).click();
    const dialog = page.getByRole("dialog", { name: "Invite Operator" });
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByLabel("E-mail").fill("noor");
    await dialog.getByLabel("Role").selectOption("Administrator");
    await dialog.getByLabel("Some customers").check();
    await dialog.getByLabel("Find a customer in this list").fill(customer.name);
    await dialog.getByRole("checkbox", { name: customer.name }).check();
    link = await dialog.getByLabel("Link to hand over").inputValue();
    expect(link).toMatch(/\/invitation\?secret=[A-Za-z0-9]{43}$/);
    await dialog.getByRole("button", { name: "Invite" }).click();
    await expect(dialog.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("E-mail").fill(email);
    await dialog.getByRole("button", { name: "Invite" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    const main = page.getByRole("main");
    await expect(main).toContainText("Invited");
    await expect(main).toContainText("The link was handed over by hand");
    await expect(main.getByRole("link", { name: customer.name })).toBeVisible();
    expect(await page.content()).not.toContain(link.split("secret=")[1]);
  });

  const there = await browser.newContext({ storageState: STRANGER });
  const other = await there.newPage();
  await test.step("join, and sign in", async () => {
    const { pathname, search } = new URL(link);
    await other.goto(pathname + search);
    await hydrated(other);
    await expect(other.getByText(email)).toBeVisible();
    await other.getByLabel("New password", { exact: true }).fill(PASSWORD);
    await other.getByLabel("New password again").fill("something else entirely");
    await other.getByRole("button", { name: "Set password" }).click();
    await expect(other.getByLabel("New password again")).toHaveAccessibleDescription(/differ/);
    await hydrated(other);
    await other.getByLabel("New password", { exact: true }).fill(PASSWORD);
    await other.getByLabel("New password again").fill(PASSWORD);
    await other.getByRole("button", { name: "Set password" }).click();
    await expect(other).toHaveURL("/sign-in");
    await hydrated(other);
    await other.goto(pathname + search);
    await expect(other.getByRole("heading", { level: 1, name: "This link has ended" })).toBeVisible();
    await other.goto("/sign-in?next=/customers");
    await hydrated(other);
    await other.getByLabel("E-mail").fill(email);
    await other.getByLabel("Password").fill(PASSWORD);
    await other.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(other).toHaveURL("/customers");
    await hydrated(other);
    await expect(other.getByText("1 customer", { exact: true })).toBeVisible();
    await expect(other.getByRole("link", { name: customer.name })).toBeVisible();
    await expect(other.getByRole("link", { name: "Add Customer" })).toHaveCount(0);
  });

  await test.step("the owner sees where, and takes a right away", async () => {
    await goto(page.url());
    const sessions = page.getByRole("table", { name: "Where they are signed in" });
    await expect(sessions.getByRole("row")).toHaveCount(2);
    await expect(sessions).toContainText("Chrome");
    await expect(sessions).toContainText("127.0.0.1");
    await page.getByRole("main").getByRole("link", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Operator" });
    await expect(dialog.getByRole("checkbox", { name: customer.name })).toBeChecked();
    await dialog.getByLabel("Role").selectOption("Read-Only");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("main")).toContainText("Read-Only");
    await other.goto(`/customers/${customer.id}`);
    await hydrated(other);
    await expect(other.getByRole("heading", { level: 1, name: customer.name })).toBeVisible();
    await expect(other.getByRole("main").getByRole("link", { name: "Rename" })).toHaveCount(0);
    await expect(other.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Operators" })).toHaveCount(0);
  });

  await test.step("sign out, disable, enable, remove", async () => {
    await page.getByRole("button", { name: "End all" }).click();
    await expect(page.getByText("Nowhere.")).toBeVisible();
    await other.goto("/customers");
    await expect(other.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    await page.getByRole("main").getByRole("link", { name: "Disable" }).click();
    await page.getByRole("dialog", { name: `Disable ${name}` }).getByRole("button", { name: "Disable" }).click();
    await expect(page.getByRole("status").filter({ hasText: "can’t sign in any more" })).toBeVisible();
    await hydrated(other);
    await other.getByLabel("E-mail").fill(email);
    await other.getByLabel("Password").fill(PASSWORD);
    await other.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(other.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
    await page.getByRole("button", { name: "Enable" }).click();
    await expect(page.getByRole("main")).toContainText("Active");
    await page.getByRole("main").getByRole("link", { name: "Remove" }).click();
    await page.getByRole("dialog", { name: `Remove ${name}` }).getByRole("button", { name: "Remove" }).click();
    await expect(page).toHaveURL("/operators");
    await page.getByRole("searchbox", { name: "Search Operators" }).fill(email);
    await expect(page.getByRole("heading", { name: "No operators match" })).toBeVisible();
  });
  await there.close();
});

test("a customer is tagged, found by its tag, and a role is given by it", async ({ page, goto, customer, unique }) => {
  const tag = unique("Tag").toLowerCase();
  await goto(`/customers/${customer.id}`);
  await page.getByRole("link", { name: "Add tags" }).click();
  const dialog = page.getByRole("dialog", { name: "Tags" });
  await dialog.getByLabel("New tags").fill(`${tag.toUpperCase()}, second of ${tag}`);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("main").getByRole("link", { name: tag, exact: true }).click();
  await expect(page).toHaveURL(/\/customers\?tag=/);
  await expect(page.getByRole("table", { name: "Customers" }).getByRole("row")).toHaveCount(2);
  await page.getByRole("link", { name: `Clear filter Tag: ${tag}` }).click();
  await expect(page).toHaveURL("/customers");

  const name = unique("Tessa Tagged");
  await goto("/operators/invite");
  const invite = page.getByRole("dialog", { name: "Invite Operator" });
  await invite.getByLabel("Name", { exact: true }).fill(name);
  await invite.getByLabel("E-mail").fill(address(name));
  await invite.getByLabel("Customers with a tag").check();
  await invite.getByRole("checkbox", { name: tag, exact: true }).check();
  await invite.getByRole("button", { name: "Invite" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByRole("main")).toContainText(`Customers tagged ${tag}`);

  await goto(`/customers/${customer.id}/tags`);
  await page.getByRole("dialog", { name: "Tags" }).getByRole("checkbox", { name: `second of ${tag}` }).uncheck();
  await page.getByRole("dialog", { name: "Tags" }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("main").getByRole("link", { name: `second of ${tag}` })).toHaveCount(0);
});

test("what each role may do is shown", async ({ page, goto }) => {
  await goto("/operators");
  await page.getByRole("link", { name: "Roles", exact: true }).click();
  const table = page.getByRole("table", { name: /What each may do/ });
  await expect(table.getByRole("columnheader")).toHaveText([
    "Permission",
    "Owner, yours",
    "Administrator",
    "User Manager",
    "Help Desk",
    "Read-Only",
  ]);
  const decide = table.getByRole("row", { name: /Approve and reject held changes/ });
  await expect(decide.getByRole("cell")).toHaveText(["Yes", "Yes", "Yes", "–No", "–No"]);
});

test("inviting works without the browser code", async ({ plain, customer, unique }) => {
  const name = unique("Paul Plain");
  await plain.goto("/operators/invite");
  const form = plain.getByRole("dialog", { name: "Invite Operator" });
  await plain.getByLabel("Name", { exact: true }).fill(name);
  await plain.getByLabel("E-mail").fill("paul");
  await form.getByLabel("Role").selectOption("Help Desk");
  await plain.getByLabel("Some customers").check();
  await plain.getByRole("checkbox", { name: customer.name }).check();
  await plain.getByRole("button", { name: "Invite" }).click();
  await expect(plain.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  // What was filled in came back.
  await expect(form.getByLabel("Role")).toHaveValue("help_desk");
  await expect(plain.getByRole("checkbox", { name: customer.name })).toBeChecked();
  await plain.getByLabel("E-mail").fill(address(name));
  await plain.getByRole("button", { name: "Invite" }).click();
  await expect(plain.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(plain.getByRole("main")).toContainText("1 customer");
});

test.describe("a stranger", () => {
  test.use({ storageState: STRANGER });

  test("who forgot the password is told how it is done here", async ({ page, goto }) => {
    await goto("/sign-in");
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await page.getByLabel("E-mail").fill("anybody@end2end.example");
    await page.getByRole("button", { name: "Send the link" }).click();
    await expect(page.getByRole("alert")).toContainText("Mail isn’t set up here");
    await expect(page.getByRole("alert")).toContainText("rollcall operator reset-password");
  });

  test("with a link that is over is told so", async ({ page, goto }) => {
    for (const path of ["/invitation", "/reset-password"]) {
      await goto(`${path}?secret=nothing`);
      await expect(page.getByRole("heading", { level: 1, name: "This link has ended" })).toBeVisible();
    }
  });
});
