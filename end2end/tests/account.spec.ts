// Getting in and out, and one's own account.
import type { Browser, BrowserContext, Page } from "@playwright/test";

import { expect, hydrated, OWNER, rollcall, test } from "../fixtures";

const STRANGER = { cookies: [], origins: [] };
const PASSWORD = "seven small green teapots";

async function signIn(page: Page, email: string, password: string) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Somebody else, so that the owner of all other tests stays signed in. */
async function operator(name: string): Promise<{ name: string; email: string }> {
  const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, ".")}@end2end.example`;
  await rollcall(
    ["operator", "add", "--email", email, "--name", name, "--role", "administrator", "--password-stdin"],
    `${PASSWORD}\n`,
  );
  return { name, email };
}

/** Two browsers in which nobody is signed in. */
async function strangers(browser: Browser): Promise<[BrowserContext, BrowserContext]> {
  return Promise.all([browser.newContext({ storageState: STRANGER }), browser.newContext({ storageState: STRANGER })]);
}

test.describe("a stranger", () => {
  test.use({ storageState: STRANGER });

  test("is led to the sign-in and, signed in, to where they wanted to go", async ({ page, goto }) => {
    await goto("/customers?q=nobody");
    await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    await signIn(page, OWNER.email, OWNER.password);
    await expect(page).toHaveURL("/customers?q=nobody");
    await hydrated(page);
    await expect(page.getByRole("heading", { level: 1, name: "Customers" })).toBeVisible();

    const [session] = (await page.context().cookies()).filter((cookie) => cookie.httpOnly);
    expect(session, "the session's cookie is out of scripts' reach").toBeDefined();
    expect(session?.sameSite).toBe("Lax");

    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL("/sign-in");
    await goto("/customers");
    await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  });

  test("with a wrong password is told no more than that it is wrong", async ({ page, goto }) => {
    await goto("/sign-in");
    for (const email of [OWNER.email, "nobody@end2end.example"]) {
      await signIn(page, email, "not the password at all");
      const password = page.getByLabel("Password");
      await expect(password).toHaveAccessibleDescription("E-mail and password don’t belong together.");
      await expect(password).toHaveValue("");
      await expect(page.getByLabel("E-mail")).toHaveValue(email);
    }
  });

  test("who tries again and again is slowed down", async ({ page, goto, unique }) => {
    const { email } = await operator(unique("Slow Sam"));
    await goto("/sign-in");
    for (let i = 0; i < 6; i += 1) {
      await signIn(page, email, `wrong password ${i}`);
      await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeVisible();
      await hydrated(page);
    }
    // Even the right one waits now.
    await signIn(page, email, PASSWORD);
    await expect(page.getByRole("alert")).toContainText(/too many/i);
    await expect(page).toHaveURL(/sign-in/);
  });

  test("can't be sent to another site by the sign-in", async ({ page, goto }) => {
    await goto("/sign-in?next=//evil.example/");
    await signIn(page, OWNER.email, OWNER.password);
    await expect(page).toHaveURL("/");
  });
});

test("changing the password ends the other sessions", async ({ browser, unique }) => {
  const { email, name } = await operator(unique("Paula Password"));
  const [here, there] = await strangers(browser);
  const [page, other] = await Promise.all([here.newPage(), there.newPage()]);
  for (const one of [page, other]) {
    await one.goto("/account");
    await hydrated(one);
    await signIn(one, email, PASSWORD);
    await expect(one.getByRole("heading", { level: 1, name: "My Account" })).toBeVisible();
    await hydrated(one);
  }
  await expect(page.getByRole("main")).toContainText(name);

  const change = async (old: string, password: string, again: string) => {
    await page.getByLabel("Present password").fill(old);
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password again").fill(again);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  // What stands first on every list of passwords is refused with its reason.
  await change(PASSWORD, "password1234", "password1234");
  await expect(page.getByLabel("New password", { exact: true })).toHaveAccessibleDescription(/most common/);
  await expect(page.getByLabel("Revoke my personal API tokens")).not.toBeChecked();
  await change(PASSWORD, "a wholly new password", "a wholly new passwort");
  await expect(page.getByLabel("New password again")).toHaveAccessibleDescription(/differ/);
  await change("not my password", "a wholly new password", "a wholly new password");
  await expect(page.getByLabel("Present password")).toHaveAttribute("aria-invalid", "true");
  await change(PASSWORD, "a wholly new password", "a wholly new password");
  await expect(page.getByRole("status").filter({ hasText: "Password changed" })).toBeVisible();

  await other.goto("/customers");
  await expect(other.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await hydrated(other);
  await signIn(other, email, PASSWORD);
  await expect(other.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await hydrated(other);
  await signIn(other, email, "a wholly new password");
  await expect(other.getByRole("heading", { level: 1, name: "Customers" })).toBeVisible();
  await Promise.all([here.close(), there.close()]);
});

test("one sees where one is signed in, and ends a session", async ({ browser, unique }) => {
  const { email } = await operator(unique("Sessa Session"));
  const [here, there] = await strangers(browser);
  const [page, other] = await Promise.all([here.newPage(), there.newPage()]);
  for (const one of [page, other]) {
    await one.goto("/account");
    await hydrated(one);
    await signIn(one, email, PASSWORD);
    await expect(one.getByRole("heading", { level: 1, name: "My Account" })).toBeVisible();
    await hydrated(one);
  }
  const sessions = page.getByRole("table", { name: "Where you are signed in" });
  await page.reload();
  await hydrated(page);
  await expect(sessions.getByRole("row")).toHaveCount(3);
  await expect(sessions.getByText("This one")).toHaveCount(1);
  await sessions.getByRole("button", { name: /^End / }).click();
  await expect(page.getByRole("status").filter({ hasText: "Session ended" })).toBeVisible();
  await expect(sessions.getByRole("row")).toHaveCount(2);
  await other.goto("/customers");
  await expect(other.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await Promise.all([here.close(), there.close()]);
});
