// Operators by mail: the invitation and the forgotten password go through a real mail server, are opened,
// and their links are followed. The server is one of its own, since the others send no mail.
import type { Browser, Page } from "@playwright/test";

import { axeFindsNothing } from "../audit";
import { complaintsOf, expect, hydrated, OWNER, test } from "../fixtures";
import { linkIn, MailingServer } from "../mail";
import { codeOf } from "../totp";

const PASSWORD = "seven small green teapots";
const ENDED = "This link has ended";

/** A browser of its own at the server that sends mail, in which nobody is signed in. */
async function browserAt(browser: Browser, url: string): Promise<{ page: Page; close: () => Promise<void> }> {
  const context = await browser.newContext({ baseURL: url, storageState: { cookies: [], origins: [] } });
  const complaints = complaintsOf(context);
  const close = async () => {
    await context.close();
    expect(complaints, "what the browser complained about").toEqual([]);
  };
  return { page: await context.newPage(), close };
}

async function signIn(page: Page, email: string, password: string) {
  await page.goto("/sign-in?next=/account");
  await hydrated(page);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function isIn(page: Page) {
  await expect(page).toHaveURL("/account");
  await hydrated(page);
  await expect(page.getByRole("heading", { level: 1, name: "My Account" })).toBeVisible();
}

async function setPassword(page: Page, password: string) {
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByLabel("New password again").fill(password);
  await page.getByRole("button", { name: "Set password" }).click();
}

async function follow(page: Page, link: string, heading: string) {
  await page.goto(link);
  await hydrated(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(heading);
}

/** Invites somebody to look at everything, and stays on their page. */
async function invite(owner: Page, name: string, email: string) {
  await owner.goto("/operators/invite");
  await hydrated(owner);
  const dialog = owner.getByRole("dialog", { name: "Invite Operator" });
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("All customers", { exact: true }).check();
  await expect(dialog).toContainText("They get a mail with a link that works once");
  await expect(dialog.getByLabel("Link to hand over")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Invite" }).click();
  await expect(owner.getByRole("status").filter({ hasText: `A mail to ${email} is on its way` })).toBeVisible();
  await expect(owner.getByRole("heading", { level: 1, name })).toBeVisible();
}

/** What came of the mail, which the page shows once it is read anew. */
async function mailIs(owner: Page, words: string) {
  await expect(async () => {
    await owner.reload();
    await hydrated(owner);
    await expect(owner.getByRole("main")).toContainText(words, { timeout: 500 });
  }).toPass({ timeout: 20_000 });
}

/** Has the link of somebody end now. */
async function expire(server: MailingServer, email: string, purpose: "invitation" | "password_reset") {
  await server.sql(
    `UPDATE operator_link SET expires_at = created_at
      WHERE purpose = '${purpose}' AND operator_id = (SELECT id FROM operator WHERE email = '${email}')`,
  );
}

test("operators are invited by mail, follow its link once, and a newer, withdrawn or late one says so", async ({ browser }) => {
  test.setTimeout(180_000);
  const server = await MailingServer.start(OWNER);
  try {
    const owner = await browserAt(browser, server.url);
    const visitor = await browserAt(browser, server.url);
    const page = visitor.page;
    await signIn(owner.page, OWNER.email, OWNER.password);
    await isIn(owner.page);

    await test.step("the mail’s link leads to a password, and with it in", async () => {
      const email = "mailed@end2end.example";
      await invite(owner.page, "Mia <b>Mailed</b>", email);
      const mail = await server.mail.last(email);
      expect(mail.safely).toBe(true);
      expect(mail.parsed.subject).toBe(`${OWNER.name} invites you to Rollcall`);
      expect(mail.parsed.from?.value).toEqual([{ name: "Rollcall", address: "rollcall@example.com" }]);
      expect(mail.parsed.text).toContain("The link works once, within");
      const link = linkIn(mail, "invitation");
      expect(link.startsWith(`${server.url}/invitation?`)).toBe(true);
      await mailIs(owner.page, "The mail server took the mail with the link.");

      await follow(page, link, "Welcome");
      await expect(page.getByText(email)).toBeVisible();
      await axeFindsNothing(page);
      await setPassword(page, PASSWORD);
      await expect(page).toHaveURL("/sign-in");
      await expect(page.getByRole("status").filter({ hasText: "Your password is set" })).toBeVisible();
      await follow(page, link, ENDED);
      await signIn(page, email, PASSWORD);
      await isIn(page);
      await mailIs(owner.page, "Active");
    });

    await test.step("who loses the second factor is told by mail who took it away", async () => {
      const email = "mailed@end2end.example";
      await page.getByRole("link", { name: "Set up an app" }).click();
      const dialog = page.getByRole("dialog", { name: "Set Up an Authenticator App" });
      await dialog.getByLabel("Code that the app shows now").fill(codeOf((await dialog.locator(".rc-mono").textContent()) ?? ""));
      await dialog.getByRole("button", { name: "Set up the app" }).click();
      await page.getByRole("dialog", { name: "Recovery Codes" }).getByRole("button", { name: "I kept them" }).click();
      await expect(page.getByRole("main")).toContainText("10 codes left");
      await owner.page.reload();
      await hydrated(owner.page);
      await owner.page.getByRole("link", { name: "Reset their second factor" }).click();
      await owner.page.getByRole("dialog", { name: /Reset the Second Factor/ }).getByRole("button", { name: "Reset" }).click();
      const mail = await server.mail.last(email, 2);
      expect(mail.safely).toBe(true);
      expect(mail.parsed.subject).toBe("Your second factor for Rollcall was reset");
      expect(mail.parsed.text).toContain(`${OWNER.name} took away the authenticator app`);
      await page.goto("/account");
      await expect(page, "signed out everywhere").toHaveURL(/\/sign-in\?next=/);
      await signIn(page, email, PASSWORD);
      await isIn(page);
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page).toHaveURL("/sign-in");
    });

    await test.step("a second mail ends the link of the first", async () => {
      const email = "twice@end2end.example";
      await invite(owner.page, "Tess Twice", email);
      const first = linkIn(await server.mail.last(email), "invitation");
      await follow(page, first, "Welcome");
      await owner.page.getByRole("link", { name: "Invite again" }).click();
      const dialog = owner.page.getByRole("dialog", { name: "Invite Again" });
      await expect(dialog).toContainText("the one before ends at once");
      await dialog.getByRole("button", { name: "Invite again" }).click();
      await expect(owner.page.getByRole("status").filter({ hasText: `Another mail to ${email}` })).toBeVisible();
      const second = linkIn(await server.mail.last(email, 2), "invitation");
      expect(second).not.toBe(first);
      // Also for who had opened the first meanwhile.
      await setPassword(page, PASSWORD);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(ENDED);
      await follow(page, first, ENDED);
      await expect(page.getByRole("main")).toContainText("a newer one took its place");
      await follow(page, second, "Welcome");
      await setPassword(page, PASSWORD);
      await expect(page).toHaveURL("/sign-in");
      await signIn(page, email, PASSWORD);
      await isIn(page);
      await page.getByRole("button", { name: "Sign out" }).click();
    });

    await test.step("one whose time is over says so, and the owner sees it", async () => {
      const email = "late@end2end.example";
      await invite(owner.page, "Lars Late", email);
      const link = linkIn(await server.mail.last(email), "invitation");
      await follow(page, link, "Welcome");
      await expire(server, email, "invitation");
      await setPassword(page, PASSWORD);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(ENDED);
      await follow(page, link, ENDED);
      await expect(page.getByRole("main")).toContainText("Ask whoever invited you for a new one.");
      await axeFindsNothing(page);
      await mailIs(owner.page, "It ended");
    });

    await test.step("one of who was removed meanwhile says so", async () => {
      const email = "gone@end2end.example";
      await invite(owner.page, "Gus Gone", email);
      const link = linkIn(await server.mail.last(email), "invitation");
      await follow(page, link, "Welcome");
      await owner.page.getByRole("main").getByRole("link", { name: "Remove" }).click();
      await owner.page.getByRole("dialog", { name: "Remove Gus Gone" }).getByRole("button", { name: "Remove" }).click();
      await expect(owner.page).toHaveURL("/operators");
      await setPassword(page, PASSWORD);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(ENDED);
      await follow(page, link, ENDED);
      await signIn(page, email, PASSWORD);
      await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
    });

    await test.step("a mail that isn’t taken is shown with its reason", async () => {
      const email = "nobody@end2end.example";
      server.mail.unknown.add(email);
      await invite(owner.page, "Nils Nobody", email);
      await mailIs(owner.page, "The mail server refused the mail");
      await expect(owner.page.getByRole("main")).toContainText("No such user here");
      await axeFindsNothing(owner.page);
    });
    await visitor.close();
    await owner.close();
  } finally {
    await server.stop();
  }
});

test("a forgotten password is set anew by a mail’s link, once, and ends every session", async ({ browser }) => {
  test.setTimeout(120_000);
  const server = await MailingServer.start(OWNER);
  const { email } = OWNER;
  try {
    const before = await browserAt(browser, server.url);
    await signIn(before.page, email, OWNER.password);
    await isIn(before.page);
    const visitor = await browserAt(browser, server.url);
    const page = visitor.page;
    const ask = async (address: string) => {
      await page.goto("/sign-in");
      await hydrated(page);
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await page.getByLabel("E-mail").fill(address);
      await page.getByRole("button", { name: "Send the link" }).click();
      await expect(page).toHaveURL("/sign-in");
      await expect(page.getByRole("status").filter({ hasText: "If there is an account with this address" })).toBeVisible();
    };

    await ask("stranger@end2end.example");
    await ask(email.toUpperCase());
    const mail = await server.mail.last(email);
    expect(mail.safely).toBe(true);
    expect(mail.parsed.subject).toBe("A new password for Rollcall");
    const link = linkIn(mail, "reset-password");
    expect(link.startsWith(`${server.url}/reset-password?`)).toBe(true);

    await test.step("who asks again has the mail already, and its link stays good", async () => {
      await ask(email);
      await follow(page, link, "Choose a new password");
      await expect(page.getByText(email)).toBeVisible();
      await axeFindsNothing(page);
    });

    await test.step("a password that is too easy is refused, and uses nothing up", async () => {
      await setPassword(page, "password1234");
      await expect(page.getByLabel("New password", { exact: true })).toHaveAccessibleDescription(/tried first|guessed/);
      await hydrated(page);
    });

    await test.step("the new one is good, the old one and the session of before are not", async () => {
      await setPassword(page, PASSWORD);
      await expect(page).toHaveURL("/sign-in");
      await expect(page.getByRole("status").filter({ hasText: "Your password is changed" })).toBeVisible();
      await before.page.goto("/account");
      await expect(before.page).toHaveURL(/\/sign-in\?next=/);
      await signIn(page, email, OWNER.password);
      await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
      await signIn(page, email, PASSWORD);
      await isIn(page);
    });

    await test.step("the link has ended", async () => {
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page).toHaveURL("/sign-in");
      await follow(page, link, ENDED);
      await page.getByRole("link", { name: "Ask for a new one" }).click();
      await expect(page).toHaveURL("/forgot-password");
    });

    await test.step("one whose time is over has ended too", async () => {
      await ask(email);
      const late = linkIn(await server.mail.last(email, 2), "reset-password");
      await follow(page, late, "Choose a new password");
      await expire(server, email, "password_reset");
      await setPassword(page, "eight small green teapots");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(ENDED);
      await follow(page, late, ENDED);
      await signIn(page, email, PASSWORD);
      await isIn(page);
    });
    expect(server.mail.mails.map(({ to }) => to), "nobody else got a mail").toEqual([email, email]);
    await visitor.close();
    await before.close();
  } finally {
    await server.stop();
  }
});
