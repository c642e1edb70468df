// Second factors: an authenticator app, recovery codes and passkeys; signing in with them, and
// confirming who one is before dangerous things. Passkeys are those of Chromium's own virtual
// authenticator.
import { type ChildProcess, spawn } from "node:child_process";

import type { Browser, BrowserContext, Page } from "@playwright/test";

import { axeFindsNothing } from "../audit";
import { complaintsOf, expect, hydrated, rollcall, test } from "../fixtures";
import { freePort } from "../server";
import { codeOf } from "../totp";

const PASSWORD = "seven small green teapots";
const STRANGER = { cookies: [], origins: [] };

/** A browser of its own in which nobody is signed in, which has to complain about nothing. */
async function stranger(browser: Browser, baseURL?: string): Promise<{ context: BrowserContext; page: Page; close: () => Promise<void> }> {
  const context = await browser.newContext({ storageState: STRANGER, ...(baseURL && { baseURL }) });
  // Being asked to confirm is a refusal too, which Chromium reports.
  const complaints = complaintsOf(context);
  const page = await context.newPage();
  const close = async () => {
    await context.close();
    expect(complaints.filter((line) => !/status of (401|403) /.test(line))).toEqual([]);
  };
  return { context, page, close };
}

async function operator(name: string, role = "administrator"): Promise<string> {
  const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, ".")}@end2end.example`;
  await rollcall(["operator", "add", "--email", email, "--name", name, "--role", role, "--password-stdin"], `${PASSWORD}\n`);
  return email;
}

async function givePassword(page: Page, email: string, next = "/account") {
  await page.goto(next);
  await hydrated(page);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signedIn(page: Page, heading = "My Account") {
  await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
  await hydrated(page);
}

/** Sets up an app under My Account; answers its key and the recovery codes. The code of this step is taken by that. */
async function setUpApp(page: Page): Promise<{ key: string; codes: string[] }> {
  await page.getByRole("link", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog", { name: "Set Up an Authenticator App" });
  await expect(dialog.getByRole("img", { name: "QR code for the authenticator app" })).toBeVisible();
  const key = (await dialog.locator(".rc-mono").textContent()) ?? "";
  expect(key).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
  await axeFindsNothing(page);
  await dialog.getByLabel("Code that the app shows now").fill("000000");
  await dialog.getByRole("button", { name: "Set up the app" }).click();
  await expect(dialog.getByLabel("Code that the app shows now")).toHaveAccessibleDescription(/not the code/);
  await dialog.getByLabel("Code that the app shows now").fill(codeOf(key));
  await dialog.getByRole("button", { name: "Set up the app" }).click();
  const codes = await keepCodes(page);
  return { key, codes };
}

async function keepCodes(page: Page): Promise<string[]> {
  const kept = page.getByRole("dialog", { name: "Recovery Codes" });
  const list = kept.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await expect(list).toHaveCount(10);
  const codes = await list.allTextContents();
  await axeFindsNothing(page);
  const downloading = page.waitForEvent("download");
  await kept.getByRole("link", { name: "Download" }).click();
  expect((await downloading).suggestedFilename()).toBe("rollcall-recovery-codes.txt");
  await kept.getByRole("button", { name: "I kept them" }).click();
  await expect(kept).toBeHidden();
  return codes;
}

/** A device with passkeys that unlocks itself. */
async function device(page: Page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}

async function addPasskey(page: Page, name: string) {
  await page.getByRole("link", { name: "Add a passkey" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a Passkey" });
  await dialog.getByLabel("Name").fill(name);
  await axeFindsNothing(page);
  await dialog.getByRole("button", { name: "Add the passkey" }).click();
}

test("an authenticator app is asked for after the password, and a recovery code stands in", async ({ browser, unique }) => {
  const email = await operator(unique("Ada App"));
  const { page, close } = await stranger(browser);
  await givePassword(page, email);
  await signedIn(page);
  const { key, codes } = await setUpApp(page);
  await expect(page.getByRole("main")).toContainText("10 codes left");

  await page.getByRole("button", { name: "Sign out" }).click();
  await givePassword(page, email, "/customers");
  await expect(page.getByRole("heading", { level: 1, name: "Second factor" })).toBeVisible();
  await hydrated(page);
  await axeFindsNothing(page);
  // Nothing else is there yet.
  await page.goto("/customers");
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.goto("/sign-in/second-factor?next=%2Fcustomers");
  await hydrated(page);
  const code = page.getByLabel("Code of your authenticator app");
  await code.fill("000000");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(code).toHaveAccessibleDescription(/not the code/);
  await hydrated(page);
  // The clock of this machine is the server's: the next step's code is taken already now.
  await code.fill(codeOf(key, 1));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await signedIn(page, "Customers");

  await page.getByRole("button", { name: "Sign out" }).click();
  await givePassword(page, email);
  await expect(code).toBeVisible();
  await hydrated(page);
  await code.fill(codes[3]!.toLowerCase());
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await signedIn(page);
  await expect(page.getByRole("main")).toContainText("9 codes left");
  await close();
});

test("a passkey signs in alone, and after the password", async ({ browser, unique }) => {
  const email = await operator(unique("Pia Passkey"));
  const { page, close } = await stranger(browser);
  const { cdp, authenticatorId } = await device(page);
  await givePassword(page, email);
  await signedIn(page);
  await addPasskey(page, "Work laptop");
  await keepCodes(page);
  const passkeys = page.getByRole("list", { name: "Passkeys" });
  await expect(passkeys).toContainText("Work laptop");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/sign-in?next=%2Fcustomers");
  await hydrated(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await signedIn(page, "Customers");

  await page.getByRole("button", { name: "Sign out" }).click();
  await givePassword(page, email);
  await expect(page.getByRole("heading", { level: 1, name: "Second factor" })).toBeVisible();
  await hydrated(page);
  await axeFindsNothing(page);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await signedIn(page);
  await expect(passkeys).toContainText("used");

  await passkeys.getByRole("link", { name: "Change Work laptop" }).click();
  const dialog = page.getByRole("dialog", { name: "Passkey" });
  await dialog.getByLabel("Name").fill("Old laptop");
  await axeFindsNothing(page);
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(passkeys).toContainText("Old laptop");
  await passkeys.getByRole("link", { name: "Change Old laptop" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(passkeys.getByRole("listitem")).toHaveCount(0);

  // The device still has it, and it is worth nothing here.
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/sign-in");
  await hydrated(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("not accepted");
  await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  await close();
});

/** A server of its own over the same database, which asks again after so many seconds. */
async function impatient(seconds: number): Promise<{ url: string; server: ChildProcess }> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const server = spawn(process.env.E2E_ROLLCALL!, ["serve", "--no-worker"], {
    env: {
      ...process.env,
      ROLLCALL_LISTEN: `127.0.0.1:${port}`,
      ROLLCALL_PUBLIC_URL: url,
      ROLLCALL_CONFIRM_AGAIN_AFTER_SECONDS: String(seconds),
    },
    stdio: "ignore",
  });
  await expect(async () => expect((await fetch(`${url}/readyz`)).ok).toBe(true)).toPass({ timeout: 20_000 });
  return { url, server };
}

test("dangerous things ask to confirm who one is, and nothing typed is lost", async ({ browser, unique, customer, tenant, api }) => {
  test.setTimeout(120_000);
  const integration = await api.connected(customer, tenant);
  const { credential_profile_id: profile } = await api.get<{ credential_profile_id: string }>(`/integrations/${integration.id}`);
  const email = await operator(unique("Carl Confirm"));
  const { url, server } = await impatient(15);
  const { page, close } = await stranger(browser, url);
  try {
    await device(page);
    await givePassword(page, email);
    await signedIn(page);
    await addPasskey(page, "Key");
    await keepCodes(page);
    // Until the server itself says that the last proof is too old.
    const asked = () => page.request.post("/api/session/proof", { data: {}, headers: { "sec-fetch-site": "same-origin" } });
    await expect.poll(async () => (await asked()).status(), { timeout: 40_000 }).toBe(403);

    await page.goto(`/credential-profiles/${profile}/secret`);
    await hydrated(page);
    const form = page.getByRole("dialog");
    await form.getByLabel("Client secret").fill("another secret value");
    await form.getByLabel("Ends").fill("2031-05-06");
    await form.getByRole("button", { name: "Replace" }).click();
    const confirm = form.getByRole("region", { name: "Confirm it’s you" });
    await expect(confirm).toBeVisible();
    await axeFindsNothing(page);
    await expect(form.getByLabel("Client secret")).toHaveValue("another secret value");
    await confirm.getByRole("button", { name: "Confirm with a passkey" }).click();
    await expect(form).toBeHidden();
    await expect(page.getByRole("main")).toContainText("Ends in");
  } finally {
    server.kill("SIGTERM");
  }
  await close();
});

test("without the browser code a form waits on its page while one confirms", async ({ browser, unique, customer, tenant, api }) => {
  test.setTimeout(120_000);
  const integration = await api.connected(customer, tenant);
  const { credential_profile_id: profile } = await api.get<{ credential_profile_id: string }>(`/integrations/${integration.id}`);
  const email = await operator(unique("Petra Plain"));
  const { url, server } = await impatient(15);
  const { context, page, close } = await stranger(browser, url);
  try {
    await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
    await page.goto("/account");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name: "My Account" })).toBeVisible();
    const asked = () => page.request.post("/api/session/proof", { data: {}, headers: { "sec-fetch-site": "same-origin" } });
    await expect.poll(async () => (await asked()).status(), { timeout: 40_000 }).toBe(403);

    await page.goto(`/credential-profiles/${profile}/secret`);
    await page.getByLabel("Client secret").fill("another secret value");
    await page.getByLabel("Ends").fill("2031-05-06");
    await page.getByRole("button", { name: "Replace" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Confirm it’s you" })).toBeVisible();
    await page.getByLabel("Your password").fill(PASSWORD);
    await page.getByRole("button", { name: "Confirm" }).click();
    await expect(page.getByLabel("Ends")).toHaveValue("2031-05-06");
    await page.getByLabel("Client secret").fill("another secret value");
    await page.getByRole("button", { name: "Replace" }).click();
    await expect(page.getByRole("main")).toContainText("Ends in");
  } finally {
    server.kill("SIGTERM");
  }
  await context.close();
  void close;
});

test("a role that needs a second factor has it set up before anything else", async ({ browser, unique }) => {
  const owner = await stranger(browser);
  const email = await operator(unique("Olaf Owner"), "owner");
  await givePassword(owner.page, email);
  await signedIn(owner.page);
  await owner.page.goto("/operators/roles/second-factor");
  await hydrated(owner.page);
  const dialog = owner.page.getByRole("dialog", { name: "Which Roles Need a Second Factor" });
  await dialog.getByLabel("User Manager").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Set up a second factor for yourself first");
  await owner.page.goto("/account");
  await hydrated(owner.page);
  await setUpApp(owner.page);
  await owner.page.goto("/operators/roles/second-factor");
  await hydrated(owner.page);
  await dialog.getByLabel("User Manager").check();
  await axeFindsNothing(owner.page);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(owner.page.getByRole("main")).toContainText("the role User Manager needs one");

  const manager = await stranger(browser);
  const name = unique("Mara Manager");
  const theirs = await operator(name, "user_manager");
  await givePassword(manager.page, theirs, "/customers");
  await expect(manager.page.getByRole("heading", { level: 1, name: "Set up a second factor" })).toBeVisible();
  await hydrated(manager.page);
  await axeFindsNothing(manager.page);
  const key = (await manager.page.locator(".rc-mono").textContent()) ?? "";
  await manager.page.getByLabel("Code that the app shows now").fill(codeOf(key));
  await manager.page.getByRole("button", { name: "Set up the app" }).click();
  await expect(manager.page.getByRole("dialog", { name: "Recovery Codes" })).toBeVisible();
  await hydrated(manager.page);
  await keepCodes(manager.page);
  await expect(manager.page).toHaveURL("/customers");

  // Somebody who lost theirs is helped by an owner.
  await owner.page.goto(`/operators?q=${encodeURIComponent(name)}`);
  await hydrated(owner.page);
  await owner.page.getByRole("link", { name }).click();
  await owner.page.getByRole("link", { name: "Reset their second factor" }).click();
  const reset = owner.page.getByRole("dialog", { name: /Reset the Second Factor/ });
  await expect(reset).toContainText("call them back at a number that you had before");
  await axeFindsNothing(owner.page);
  await reset.getByRole("button", { name: "Reset" }).click();
  await expect(owner.page.getByRole("main")).toContainText("their role needs one");
  await manager.page.goto("/customers");
  await expect(manager.page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();

  await owner.page.goto("/operators/roles/second-factor");
  await hydrated(owner.page);
  await dialog.getByLabel("User Manager").uncheck();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(owner.page.getByRole("main")).toContainText("no role needs one");
  await Promise.all([owner.close(), manager.close()]);
});
