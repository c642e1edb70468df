// Accounts that people activate themselves: the mail goes through a real mail server, is opened, and its
// link is followed. The server is one of its own, since the others send no mail.
import { request, type Browser, type Page } from "@playwright/test";

import { Api, type Customer } from "../api";
import { axeFindsNothing } from "../audit";
import { complaintsOf, expect, hydrated, OWNER, test } from "../fixtures";
import { linkIn, MailingServer } from "../mail";
import { kept, type TenantUser } from "../simulator";
import { codeOf } from "../totp";

const PASSWORD = "green kettle sings often";

/** Where a mail to them goes. */
function addressOf(user: TenantUser): string {
  return user.mail ?? user.user_principal_name!;
}

/** A browser of its own, at the server that sends mail. */
async function browserAt(browser: Browser, url: string, plainly = false): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ baseURL: url, storageState: { cookies: [], origins: [] } });
  const complaints = plainly ? [] : complaintsOf(context);
  if (plainly) {
    await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
  }
  return { page: await context.newPage(), complaints };
}

async function signIn(page: Page): Promise<void> {
  await page.goto("/sign-in");
  await hydrated(page);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).not.toHaveURL(/sign-in$/);
}

/** A server that sends mail, with a caller of its API; both are gone afterwards. */
async function mailing(run: (server: MailingServer, api: Api) => Promise<void>): Promise<void> {
  const server = await MailingServer.start(OWNER);
  const caller = await request.newContext({
    baseURL: server.url,
    extraHTTPHeaders: { authorization: `Bearer ${server.token}` },
  });
  try {
    await run(server, new Api(caller));
  } finally {
    await caller.dispose();
    await server.stop();
  }
}

interface Person {
  id: string;
  address: string;
}

/** Somebody made here, whose user name is where mails to them go. */
async function person(api: Api, customer: Customer, name: string): Promise<Person> {
  const address = `${name.toLowerCase()}@adatum.example`;
  const made = await api.post<{ id: string }>(`/customers/${customer.id}/users`, { display_name: name, user_principal_name: address });
  return { id: made.id, address };
}

/** Their page, as it says at last. */
async function says(page: Page, who: Person, ...texts: string[]): Promise<void> {
  const section = page.getByRole("region", { name: "Enrolment" });
  await expect(async () => {
    await page.goto(`/users/${who.id}`);
    await hydrated(page);
    for (const text of texts) {
      await expect(section).toContainText(text, { timeout: 500 });
    }
  }).toPass({ timeout: 20_000 });
}

test("people activate their accounts by mail, sign in, and are out once they are blocked", async ({ browser, tenant, control }) => {
  test.setTimeout(180_000);
  const server = await MailingServer.start(OWNER);
  const caller = await request.newContext({
    baseURL: server.url,
    extraHTTPHeaders: { authorization: `Bearer ${server.token}` },
  });
  const api = new Api(caller);
  try {
    const customer = await api.customer("Adatum");
    const integration = await api.synced(customer, tenant);
    const people = kept(await control.snapshot()).filter((user) => user.account_enabled);
    const [first, second] = [people[0]!, people[1]!];
    const operator = await browserAt(browser, server.url);
    const page = operator.page;
    await signIn(page);

    await test.step("the customer’s text is written and looked at, and a test mail comes", async () => {
      await page.goto(`/customers/${customer.id}`);
      await hydrated(page);
      await page.getByRole("main").getByRole("link", { name: "Enrolment" }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Enrolment" })).toBeVisible();
      await expect(page.getByRole("region", { name: "What they get" })).toContainText("Activate your account at Adatum");
      await page.getByLabel("Sender").fill("Adatum IT");
      await page.getByLabel("Subject").fill("Welcome, {nmae}");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByLabel("Subject")).toHaveAccessibleDescription(/\{nmae\} is no placeholder/);
      await page.getByLabel("Subject").fill("Welcome, {name}");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("status").filter({ hasText: "Saved" })).toBeVisible();
      await expect(page.getByRole("region", { name: "What they get" })).toContainText("Adatum IT");
      await axeFindsNothing(page);
      await page.getByLabel("Send a test mail to").fill("me@example.com");
      await page.getByRole("button", { name: "Send test mail" }).click();
      const mail = await server.mail.last("me@example.com");
      expect(mail.safely).toBe(true);
      expect(mail.parsed.subject).toMatch(/^Welcome, /);
      expect(mail.parsed.from?.value).toEqual([{ name: "Adatum IT", address: "rollcall@example.com" }]);
    });

    await test.step("one is invited on their page, and a mail that isn’t taken says why", async () => {
      const users = await api.all<{ id: string; external_id: string }>(`/customers/${customer.id}/users`);
      const id = users.find((user) => user.external_id === second.id)!.id;
      server.mail.unknown.add(addressOf(second));
      await page.goto(`/users/${id}`);
      await hydrated(page);
      const section = page.getByRole("region", { name: "Enrolment" });
      await expect(section).toContainText("Not invited");
      await section.getByRole("button", { name: "Invite" }).click();
      await expect(section).toContainText("Invited");
      await expect(async () => {
        await page.reload();
        await hydrated(page);
        await expect(section).toContainText("The mail server refused the mail", { timeout: 500 });
      }).toPass({ timeout: 20_000 });
      await expect(section).toContainText("No such user here");
      await axeFindsNothing(page);
    });

    let link = "";
    await test.step("the next are invited, by name, and the list tells who", async () => {
      await page.goto(`/customers/${customer.id}/enrolment`);
      await hydrated(page);
      await page.getByRole("link", { name: "Invite users" }).click();
      const dialog = page.getByRole("dialog", { name: "Invite users" });
      await dialog.getByLabel("How many, by name").fill("1000");
      await dialog.getByRole("button", { name: "Invite" }).click();
      await expect(page.getByRole("status").filter({ hasText: "0 left" })).toBeVisible();
      link = linkIn(await server.mail.last(addressOf(first)));
      await page.goto("/users?enrolment=not_invited");
      await hydrated(page);
      await expect(page.getByRole("main")).not.toContainText(first.user_principal_name!);
    });

    const person = await browserAt(browser, server.url);
    const own = person.page;
    await test.step("the person activates the account, once", async () => {
      await own.goto(link);
      await hydrated(own);
      await expect(own.getByRole("heading", { level: 1 })).toHaveText("Activate your account");
      await expect(own.getByRole("main")).toContainText(first.user_principal_name!);
      await axeFindsNothing(own);
      await own.getByLabel("New password", { exact: true }).fill("password1234");
      await own.getByLabel("New password again").fill("password1234");
      await own.getByRole("button", { name: "Activate" }).click();
      await hydrated(own);
      await expect(own.getByLabel("New password", { exact: true })).toHaveAccessibleDescription(/tried first|guessed/);
      await own.getByLabel("New password", { exact: true }).fill(PASSWORD);
      await own.getByLabel("New password again").fill(PASSWORD);
      await own.getByRole("button", { name: "Activate" }).click();
      await expect(own.getByRole("heading", { level: 1 })).toHaveText(first.display_name!);
      await hydrated(own);
      await expect(own.getByRole("table", { name: "Where you are signed in" })).toContainText("This one");
      await axeFindsNothing(own);
      await own.goto("/users");
      await expect(own, "a person is no operator").toHaveURL(/\/sign-in/);
      await own.goto(link);
      await expect(own.getByRole("heading", { level: 1 })).toHaveText("This link has ended");
    });

    await test.step("signs out and in, and is out once blocked in the source", async () => {
      await own.goto("/my");
      await hydrated(own);
      await own.getByRole("button", { name: "Sign out" }).click();
      await expect(own).toHaveURL("/my/sign-in");
      await hydrated(own);
      await own.getByLabel("User name").fill(first.user_principal_name!);
      await own.getByLabel("Password").fill("not that one");
      await own.getByRole("button", { name: "Sign in" }).click();
      await hydrated(own);
      await expect(own.getByLabel("Password")).toHaveAccessibleDescription(/don’t belong together/);
      await own.getByLabel("User name").fill(first.user_principal_name!);
      await own.getByLabel("Password").fill(PASSWORD);
      await own.getByRole("button", { name: "Sign in" }).click();
      await expect(own).toHaveURL("/my");
      await page.goto("/users?enrolment=enrolled");
      await expect(page.getByRole("table", { name: "Users" })).toContainText(first.user_principal_name!);
      await control.update(first.id, { accountEnabled: false });
      await api.run(integration, "delta", ["succeeded"]);
      await own.goto("/my");
      await expect(own).toHaveURL("/my/sign-in");
    });

    await test.step("they add an authenticator app, which is asked for from then on", async () => {
      await control.update(first.id, { accountEnabled: true });
      await api.run(integration, "delta", ["succeeded"]);
      await hydrated(own);
      const giveName = async () => {
        await own.getByLabel("User name").fill(first.user_principal_name!);
        await own.getByLabel("Password").fill(PASSWORD);
        await own.getByRole("button", { name: "Sign in" }).click();
      };
      await giveName();
      await expect(own).toHaveURL("/my");
      await hydrated(own);
      await own.getByRole("link", { name: "Set up an authenticator app" }).click();
      await hydrated(own);
      await axeFindsNothing(own);
      const key = (await own.locator(".rc-mono").first().innerText()).replaceAll(" ", "");
      await own.getByLabel("Code that the app shows now").fill(codeOf(key));
      await own.getByLabel("Your password").fill("not that one");
      await own.getByRole("button", { name: "Set up the app" }).click();
      await expect(own.getByLabel("Your password")).toHaveAccessibleDescription(/not your password/);
      await own.getByLabel("Your password").fill(PASSWORD);
      await own.getByRole("button", { name: "Set up the app" }).click();
      await expect(own.getByRole("heading", { level: 1 })).toHaveText("Recovery codes");
      const codes = await own.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allInnerTexts();
      expect(codes).toHaveLength(10);
      await own.getByLabel("Your password").fill(PASSWORD);
      await own.getByRole("button", { name: "I kept them" }).click();
      await expect(own.getByRole("region", { name: "Second factor" })).toContainText("10 codes left");
      await axeFindsNothing(own);
      await own.getByRole("button", { name: "Sign out" }).click();
      await hydrated(own);
      await giveName();
      await expect(own.getByRole("heading", { level: 1 })).toHaveText("Second factor");
      await own.goto("/my");
      await expect(own, "the password alone is not enough").toHaveURL("/my/sign-in");
      await own.goto("/my/second-factor");
      await hydrated(own);
      await axeFindsNothing(own);
      await own.getByLabel("Code of your authenticator app").fill(codes[0]!);
      await own.getByRole("button", { name: "Sign in" }).click();
      await expect(own).toHaveURL("/my");
      await expect(own.getByRole("region", { name: "Second factor" })).toContainText("9 codes left");
      const users = await api.all<{ id: string; external_id: string }>(`/customers/${customer.id}/users`);
      await page.goto(`/users/${users.find((user) => user.external_id === first.id)!.id}`);
      await hydrated(page);
      await page.getByRole("link", { name: "Reset second factor" }).click();
      const reset = page.getByRole("dialog", { name: /^Reset the Second Factor of/ });
      await expect(reset).toContainText("Make sure that it is them who asks");
      await reset.getByRole("button", { name: "Reset", exact: true }).click();
      await expect(page.getByRole("region", { name: "Enrolment" })).not.toContainText("Second factor");
      await own.goto("/my");
      await expect(own, "their sessions ended").toHaveURL("/my/sign-in");
    });

    await test.step("who comes in newly is invited by the run, where the settings say so", async () => {
      await page.goto(`/integrations/${integration.id}`);
      await hydrated(page);
      await page.getByRole("switch", { name: "Send Enrollment Email to the Newly Synced Users" }).check();
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("status").filter({ hasText: "was saved" })).toBeVisible();
      const before = server.mail.mails.length;
      await control.createUser("Newly", "Synced");
      await api.run(integration, "delta", ["succeeded"]);
      const mail = await server.mail.last(`newly.synced@${tenant.domain}`);
      expect(server.mail.mails.length).toBe(before + 1);
      link = linkIn(mail);
    });

    await test.step("without the browser code it works too", async () => {
      const plain = (await browserAt(browser, server.url, true)).page;
      await plain.goto(link);
      await plain.getByLabel("New password", { exact: true }).fill(PASSWORD);
      await plain.getByLabel("New password again").fill("another");
      await plain.getByRole("button", { name: "Activate" }).click();
      await expect(plain.getByRole("main")).toContainText("The two passwords differ.");
      await plain.getByLabel("New password", { exact: true }).fill(PASSWORD);
      await plain.getByLabel("New password again").fill(PASSWORD);
      await plain.getByRole("button", { name: "Activate" }).click();
      await expect(plain.getByRole("heading", { level: 1 })).toHaveText("Newly Synced");
      await plain.context().close();
    });
    expect(person.complaints).toEqual([]);
    expect(operator.complaints).toEqual([]);
    await person.page.context().close();
    await operator.page.context().close();
  } finally {
    await caller.dispose();
    await server.stop();
  }
});

test("a link ends by a newer mail and by time, and a mail that came back is told", async ({ browser }) => {
  test.setTimeout(120_000);
  await mailing(async (server, api) => {
    const customer = await api.customer("Adatum");
    const ada = await person(api, customer, "Ada");
    const operator = await browserAt(browser, server.url);
    const page = operator.page;
    const own = (await browserAt(browser, server.url)).page;
    const section = page.getByRole("region", { name: "Enrolment" });
    const heading = own.getByRole("heading", { level: 1 });
    await signIn(page);
    let link = "";

    await test.step("sent again, the old link is dead and the new one works", async () => {
      await says(page, ada, "Not invited");
      await section.getByRole("button", { name: "Invite", exact: true }).click();
      const old = linkIn(await server.mail.last(ada.address));
      await own.goto(old);
      await expect(heading).toHaveText("Activate your account");
      await says(page, ada, "Invited", "Sent");
      await section.getByRole("button", { name: "Invite again" }).click();
      link = linkIn(await server.mail.last(ada.address, 2));
      expect(link).not.toBe(old);
      await own.goto(old);
      await expect(heading).toHaveText("This link has ended");
      await own.goto(link);
      await expect(heading).toHaveText("Activate your account");
    });

    await test.step("after its days the link has ended, and the list says so", async () => {
      await says(page, ada, "Invited", "Sent");
      await server.sql("UPDATE enrolment SET link_expires_at = '2020-01-01T00:00:00.000000Z'");
      await own.goto(link);
      await expect(heading).toHaveText("This link has ended");
      await page.goto("/users?enrolment=expired");
      await expect(page.getByRole("table", { name: "Users" })).toContainText(ada.address);
      await says(page, ada, "Expired");
      await section.getByRole("button", { name: "Invite again" }).click();
      await own.goto(linkIn(await server.mail.last(ada.address, 3)));
      await hydrated(own);
      await own.getByLabel("New password", { exact: true }).fill(PASSWORD);
      await own.getByLabel("New password again").fill(PASSWORD);
      await own.getByRole("button", { name: "Activate" }).click();
      await expect(heading).toHaveText("Ada");
      await says(page, ada, "Enrolled");
    });

    await test.step("a mail that came back is told by a program, and they are invited again", async () => {
      const bea = await person(api, customer, "Bea");
      await api.post(`/users/${bea.id}/invitation`);
      await server.mail.last(bea.address);
      await says(page, bea, "Invited", "Sent");
      await api.post(`/customers/${customer.id}/enrolment-bounces`, { address: bea.address, reason: "Mailbox full" });
      await says(page, bea, "Mail failed", "The mail came back", "Mailbox full");
      await page.goto("/users?enrolment=mail_failed");
      await expect(page.getByRole("table", { name: "Users" })).toContainText(bea.address);
      await says(page, bea, "Mail failed");
      await section.getByRole("button", { name: "Invite again" }).click();
      await own.goto(linkIn(await server.mail.last(bea.address, 2)));
      await expect(heading).toHaveText("Activate your account");
      await says(page, bea, "Invited", "Sent");
    });
    expect(operator.complaints).toEqual([]);
    await own.context().close();
    await page.context().close();
  });
});

test("a customer’s people get their mail and their page in Dutch", async ({ browser }) => {
  test.setTimeout(120_000);
  await mailing(async (server, api) => {
    const customer = await api.customer("Adatum");
    const ada = await person(api, customer, "Ada");
    const { page, complaints } = await browserAt(browser, server.url);
    await signIn(page);
    await page.goto(`/customers/${customer.id}/enrolment`);
    await hydrated(page);
    await page.getByLabel("Language").selectOption({ label: "Nederlands" });
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status").filter({ hasText: "Saved" })).toBeVisible();
    await expect(page.getByRole("region", { name: "What they get" })).toContainText("Activeer uw account bij Adatum");
    await api.post(`/users/${ada.id}/invitation`);
    const mail = await server.mail.last(ada.address);
    expect(mail.parsed.subject).toBe("Activeer uw account bij Adatum");
    const text = mail.parsed.text ?? "";
    expect(text).toContain("Hallo Ada,");
    expect(text).toContain(`U meldt zich aan als ${ada.address}.`);
    expect(text).toContain("De link werkt één keer, binnen 14 dagen.");
    expect(mail.parsed.html).toContain('<html lang="nl">');
    await page.goto(linkIn(mail));
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Activeer uw account");
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

test("the first are invited, then more, and each person once", async ({ browser }) => {
  test.setTimeout(120_000);
  await mailing(async (server, api) => {
    const customer = await api.customer("Adatum");
    const people: Person[] = [];
    for (const name of ["Ada", "Bea", "Carl", "Dora", "Emil"]) {
      people.push(await person(api, customer, name));
    }
    const { page, complaints } = await browserAt(browser, server.url);
    await signIn(page);
    const invite = async (many: string, told: string) => {
      await page.goto(`/customers/${customer.id}/enrolment`);
      await hydrated(page);
      await page.getByRole("link", { name: "Invite users" }).click();
      const dialog = page.getByRole("dialog", { name: "Invite users" });
      await dialog.getByLabel("How many, by name").fill(many);
      await dialog.getByRole("button", { name: "Invite" }).click();
      await expect(page.getByRole("status").filter({ hasText: told })).toBeVisible();
    };
    const mailed = () => server.mail.mails.map((mail) => mail.to).sort();

    await invite("2", "2 invitations on the way, 3 left");
    await expect.poll(mailed, { timeout: 20_000 }).toEqual(["ada@adatum.example", "bea@adatum.example"]);
    await page.goto(`/customers/${customer.id}/enrolment`);
    await expect(page.getByRole("main")).toContainText("3 active users not invited yet");
    await invite("1000", "3 invitations on the way, 0 left");
    await expect.poll(mailed, { timeout: 20_000 }).toEqual(people.map((who) => who.address));

    await page.goto(`/customers/${customer.id}/enrolment`);
    await hydrated(page);
    await expect(page.getByRole("link", { name: "Invite users" })).toHaveCount(0);
    const again = await api.post<{ invited: number; left: number }>(`/customers/${customer.id}/invitations`, { first: 1000 });
    expect(again).toEqual({ invited: 0, left: 0 });
    // A mail to somebody else comes last: whatever was on its way before it has come.
    const last = await person(api, customer, "Zoe");
    await api.post(`/users/${last.id}/invitation`);
    await server.mail.last(last.address);
    expect(mailed()).toEqual([...people, last].map((who) => who.address));
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

test("the preview shows what is typed, and people are invited now or later", async ({ browser }) => {
  test.setTimeout(120_000);
  await mailing(async (server, api) => {
    const customer = await api.customer("Adatum");
    const { page, complaints } = await browserAt(browser, server.url);
    await signIn(page);

    await test.step("what isn’t saved yet is shown as HTML and as plain text", async () => {
      await page.goto(`/customers/${customer.id}/enrolment`);
      await hydrated(page);
      const shown = page.getByRole("region", { name: "What they get" });
      const html = page.frameLocator("iframe[title='The mail as HTML']").locator("body");
      await page.getByLabel("Text", { exact: true }).fill("Dear {name},\n\nit is <b>ready</b>.");
      await expect(shown).toContainText("it is <b>ready</b>.");
      await expect(html).toContainText("it is <b>ready</b>.");
      await expect(html.getByRole("link", { name: "Activate your account" })).toBeVisible();
      await page.getByLabel("Language").selectOption({ label: "Nederlands" });
      await expect(html.getByRole("link", { name: "Activeer uw account" })).toBeVisible();
      await page.getByLabel("Subject").fill("{nmae}");
      await expect(shown).toContainText("{nmae} is no placeholder");
      const saved = await api.get<{ language: string }>(`/customers/${customer.id}/enrolment-settings`);
      expect(saved.language, "nothing was saved").toBe("en");
      await page.reload();
      await hydrated(page);
      await expect(html.getByRole("link", { name: "Activate your account" })).toBeVisible();
      await axeFindsNothing(page);
    });

    await test.step("without the browser code a button shows it", async () => {
      const plain = await browser.newContext({ baseURL: server.url, storageState: await page.context().storageState() });
      await plain.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
      const own = await plain.newPage();
      await own.goto(`/customers/${customer.id}/enrolment`);
      await own.getByLabel("Subject").fill("Plainly, {customer}");
      await own.getByRole("button", { name: "Show the mail" }).click();
      await expect(own.getByRole("region", { name: "What they get" })).toContainText("Plainly, Adatum");
      await expect(own.getByLabel("Subject")).toHaveValue("Plainly, {customer}");
      await plain.close();
    });

    const add = async (name: string, when: string) => {
      await page.goto(`/users/add?customer=${customer.id}`);
      await hydrated(page);
      const dialog = page.getByRole("dialog", { name: "Add User" });
      await dialog.getByLabel("Display name").fill(name);
      await dialog.getByLabel("User name").fill(`${name.toLowerCase()}@adatum.example`);
      await dialog.getByLabel("Invitation to activate an account").selectOption({ label: when });
      await dialog.getByRole("button", { name: "Add", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    };
    const section = page.getByRole("region", { name: "Enrolment" });

    await test.step("who is added is invited later, or now", async () => {
      await add("Ada", "Send it later");
      await expect(section).toContainText("They are to be invited later");
      await add("Bea", "Send it now");
      await server.mail.last("bea@adatum.example");
      await expect(section).toContainText("Invited");
      expect(server.mail.mails.map((mail) => mail.to)).toEqual(["bea@adatum.example"]);
    });

    await test.step("a mail is marked as bounced on the page, and that is taken back", async () => {
      const url = page.url();
      await expect(async () => {
        await page.goto(url);
        await hydrated(page);
        await expect(section).toContainText("Sent", { timeout: 500 });
      }).toPass({ timeout: 20_000 });
      await section.getByText("Did the last mail come back?").click();
      await section.getByLabel("Reason").fill("Mailbox full");
      await axeFindsNothing(page);
      await section.getByRole("button", { name: "Mark as bounced" }).click();
      await expect(section).toContainText("Mail failed");
      await expect(section).toContainText("Came back");
      await expect(section).toContainText("Mailbox full");
      await section.getByRole("button", { name: "The mail did arrive" }).click();
      await expect(section).toContainText("Invited");
      await expect(section).not.toContainText("Mailbox full");
    });

    await test.step("whether the mail server would take a warning is looked at", async () => {
      const before = server.mail.mails.length;
      await page.goto("/notifications");
      await hydrated(page);
      await page.getByRole("button", { name: "Check the mail server" }).click();
      await expect(page.getByRole("status").filter({ hasText: "The mail server would take a mail" })).toBeVisible();
      await expect(page.getByRole("main")).toContainText("The mail server would take a mail, checked");
      expect(server.mail.complaints).toEqual([]);
      expect(server.mail.mails.length, "no mail is sent").toBe(before);
    });
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
