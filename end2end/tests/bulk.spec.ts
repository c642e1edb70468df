// What is done to many at once: each action with its preview and with what came of each person.
import type { Page } from "@playwright/test";

import type { Api, Customer } from "../api";
import { axeFindsNothing } from "../audit";
import { expect, OWNER, OWNER_STATE, hydrated, test } from "../fixtures";
import { linkIn, MailingServer } from "../mail";

interface Made {
  id: string;
}

/** Somebody made here. */
async function made(api: Api, customer: Customer, name: string): Promise<Made> {
  return api.post(`/customers/${customer.id}/users`, {
    display_name: name,
    user_principal_name: `${name.toLowerCase().replaceAll(" ", ".")}@contoso.example`,
  });
}

/** What is chosen on a list. */
interface Chosen {
  /** The path of the list. */
  list: string;
  names: string[];
  action: string;
  group?: string;
}

/** Ticks people or groups, chooses an action, and leads to the preview. */
async function previewed(page: Page, goto: (path: string) => Promise<void>, chosen: Chosen): Promise<void> {
  await goto(chosen.list);
  for (const name of chosen.names) {
    await page.getByRole("checkbox", { name: `Tick ${name}` }).check();
  }
  await page.getByRole("combobox", { name: "What", exact: true }).selectOption({ label: chosen.action });
  if (chosen.group !== undefined) {
    await page.getByLabel("Group, for those two").selectOption({ label: chosen.group });
  }
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { level: 1, name: chosen.action })).toBeVisible();
}

/** The line of one in the table of a bulk change. */
const line = (page: Page, name: string) =>
  page.getByRole("table", { name: "People" }).getByRole("row", { name: new RegExp(name) });

/** Says what the preview says of one and of how many, applies it, and says that it was done. */
async function applied(page: Page, name: string, words: string, many: string): Promise<void> {
  await expect(page.getByText("Nothing was done yet.")).toBeVisible();
  await expect(line(page, name)).toContainText("Will be done");
  await expect(line(page, name)).toContainText(words);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText(`Done to ${many}.`)).toBeVisible();
  await expect(line(page, name)).toContainText("Done");
}

test("each action on users says before what it does to whom, and afterwards what it did", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  test.setTimeout(180_000);
  await control.createUser("Petra", "Synced");
  await api.synced(customer, tenant);
  const ada = await made(api, customer, "Ada Here");
  await api.post(`/customers/${customer.id}/groups`, { display_name: "Board" });
  // Two are looked for, so that both stand on one page.
  const list = `/users?customer=${customer.id}&rows=1000`;
  const both = ["Ada Here", "Petra Synced"];
  const status = async () => (await api.get<{ status: string }>(`/users/${ada.id}`)).status;

  await test.step("deactivate: whoever is synced is left out, and says why", async () => {
    await previewed(page, goto, { list, names: both, action: "Deactivate" });
    await expect(page.getByText("It would be done to 1 user of 2.")).toBeVisible();
    await expect(line(page, "Petra Synced")).toContainText("Left out");
    await expect(line(page, "Petra Synced")).toContainText("Change it in the source");
    await axeFindsNothing(page);
    await applied(page, "Ada Here", "Is taken out of use", "1 user");
    expect(await status()).toBe("inactive");
    await axeFindsNothing(page);
  });

  await test.step("reactivate", async () => {
    await previewed(page, goto, { list, names: ["Ada Here"], action: "Reactivate" });
    await applied(page, "Ada Here", "Is in use again", "1 user");
    expect(await status()).toBe("active");
  });

  await test.step("protect, and remove the protection", async () => {
    await previewed(page, goto, { list, names: both, action: "Protect from sync" });
    await applied(page, "Petra Synced", "No run touches it any more", "2 users");
    await previewed(page, goto, { list, names: both, action: "Remove protection" });
    await applied(page, "Petra Synced", "Runs touch it again", "2 users");
  });

  await test.step("into a group and out again", async () => {
    const group = "Board";
    await previewed(page, goto, { list, names: both, action: "Add to a group", group });
    await expect(page.getByRole("heading", { level: 1, name: "Add to a group: Board" })).toBeVisible();
    await applied(page, "Petra Synced", "Comes into the group", "2 users");
    await previewed(page, goto, { list, names: ["Ada Here"], action: "Add to a group", group });
    await expect(line(page, "Ada Here")).toContainText("In the group already");
    await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);
    await previewed(page, goto, { list, names: both, action: "Remove from a group", group });
    await applied(page, "Ada Here", "Leaves the group", "2 users");
  });

  await test.step("sign out: of nobody who is signed in nowhere", async () => {
    await previewed(page, goto, { list, names: ["Ada Here"], action: "Sign out everywhere" });
    await expect(page.getByText("It would be done to 0 users of 1.")).toBeVisible();
    await expect(line(page, "Ada Here")).toContainText("Signed in nowhere");
    await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);
  });

  await test.step("delete, and restore from the bin", async () => {
    await previewed(page, goto, { list, names: both, action: "Delete" });
    await applied(page, "Ada Here", "Goes into the bin, restorable for 30 days", "1 user");
    expect(await status()).toBe("deleted");
    await previewed(page, goto, { list: `${list}&status=deleted`, names: ["Ada Here"], action: "Restore" });
    await applied(page, "Ada Here", "Comes back as it was", "1 user");
    expect(await status()).toBe("active");
  });

  await test.step("invite: not before mail is set up, which is said before anything is looked at", async () => {
    await goto(list);
    await page.getByRole("checkbox", { name: "Tick Ada Here" }).check();
    await page.getByRole("combobox", { name: "What", exact: true }).selectOption({ label: "Invite to enrol" });
    await page.getByRole("button", { name: "Preview" }).click();
    await expect(page.getByText(/Mail isn’t set up/).first()).toBeVisible();
    await expect(page).toHaveURL(/\/users\?/);
  });
});

test("a countdown is cancelled for many, and counts again for one", async ({ page, goto, customer, tenant, control, api }) => {
  const gone = await control.createUser("Carla", "Countdown");
  const integration = await api.synced(customer, tenant);
  await api.patch(`/integrations/${integration.id}`, { policy: { out_of_scope: "delete", delete_after_days: 9 } });
  await control.delete(gone.id);
  await api.run(integration, "delta", ["succeeded"]);
  const list = `/users?customer=${customer.id}&countdown=counting`;
  await previewed(page, goto, { list, names: ["Carla Countdown"], action: "Cancel deletion" });
  await applied(page, "Carla Countdown", "Stays inactive, and isn’t deleted", "1 user");
  await page.getByRole("link", { name: "Carla Countdown" }).click();
  const deletion = page.getByRole("region", { name: "Deletion", exact: true });
  await expect(deletion).toContainText("Its deletion was cancelled by");
  await deletion.getByRole("button", { name: "Count again" }).click();
  await expect(deletion).toContainText("To be deleted on");
  // Whoever protects her is told before that this ends the countdown.
  await page.getByText("Protect from sync", { exact: true }).click();
  await expect(page.getByText("Protecting it cancels that")).toBeVisible();
});

test("groups go into the bin and come back together", async ({ page, goto, customer, api }) => {
  for (const name of ["Board", "Choir"]) {
    await api.post(`/customers/${customer.id}/groups`, { display_name: name });
  }
  const list = `/groups?customer=${customer.id}`;
  const names = ["Board", "Choir"];
  await previewed(page, goto, { list, names, action: "Delete" });
  await applied(page, "Choir", "Goes into the bin", "2 groups");
  await previewed(page, goto, { list: `${list}&status=deleted`, names, action: "Restore" });
  await applied(page, "Board", "Comes back as it was", "2 groups");
  await previewed(page, goto, { list, names: ["Board"], action: "Cancel deletion" });
  await expect(line(page, "Board")).toContainText("no days are counting");
});

test("two people at once: what one did isn’t done again by the other", async ({ page, goto, browser, customer, api }) => {
  await made(api, customer, "Ada Here");
  const list = `/users?customer=${customer.id}`;
  await previewed(page, goto, { list, names: ["Ada Here"], action: "Deactivate" });
  const context = await browser.newContext({ storageState: OWNER_STATE });
  const other = await context.newPage();
  const otherGoto = async (path: string) => {
    await other.goto(path);
    await hydrated(other);
  };
  await previewed(other, otherGoto, { list, names: ["Ada Here"], action: "Protect from sync" });
  await applied(other, "Ada Here", "No run touches it any more", "1 user");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText("Done to 0 users.")).toBeVisible();
  await expect(line(page, "Ada Here")).toContainText("It was changed since the preview");
  // Applied already, in another window of the same operator.
  await otherGoto(new URL(page.url()).pathname);
  await expect(other.getByRole("button", { name: "Apply" })).toHaveCount(0);
  await context.close();
});

test("back leads from a bulk change to the list as it was", async ({ page, goto, customer, api }) => {
  await made(api, customer, "Ada Here");
  await made(api, customer, "Bea Other");
  const list = `/users?customer=${customer.id}&q=ada`;
  await previewed(page, goto, { list, names: ["Ada Here"], action: "Deactivate" });
  await page.goBack();
  await expect(page).toHaveURL(/q=ada/);
  const table = page.getByRole("table", { name: "Users" });
  await expect(table.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("searchbox", { name: "Search Users" })).toHaveValue("ada");
  await page.goForward();
  await expect(line(page, "Ada Here")).toContainText("Will be done");
});

test("a tick outlives that the list is read again", async ({ page, goto, customer, api }) => {
  await made(api, customer, "Ada Here");
  const bin = await made(api, customer, "Bea Binned");
  const other = await made(api, customer, "Cleo Binned");
  for (const { id } of [bin, other]) {
    await api.delete(`/users/${id}`);
  }
  await goto(`/users?customer=${customer.id}&status=deleted`);
  const tick = page.getByRole("checkbox", { name: "Tick Cleo Binned" });
  await tick.check();
  // Restoring somebody reads the list again.
  await page.getByRole("row", { name: /Bea Binned/ }).getByRole("button", { name: "Restore" }).click();
  await expect(page.getByRole("row", { name: /Bea Binned/ })).toHaveCount(0);
  await expect(tick).toBeChecked();
  await expect(page.getByText("1 ticked")).toBeVisible();
});

test("many are invited at once, and nobody twice while the link is good", async ({ browser }) => {
  test.setTimeout(120_000);
  const server = await MailingServer.start(OWNER);
  const context = await browser.newContext({ baseURL: server.url, storageState: { cookies: [], origins: [] } });
  try {
    const page = await context.newPage();
    const call = async <T>(path: string, body: object): Promise<T> => {
      const answer = await context.request.post(`/api/v1${path}`, {
        headers: { authorization: `Bearer ${server.token}` },
        data: body,
      });
      expect(answer.ok(), await answer.text()).toBe(true);
      return (await answer.json()) as T;
    };
    const customer = await call<Customer>("/customers", { name: "Adatum" });
    for (const name of ["Ada", "Bea"]) {
      const user_principal_name = `${name.toLowerCase()}@adatum.example`;
      await call(`/customers/${customer.id}/users`, { display_name: name, user_principal_name });
    }
    await page.goto("/sign-in");
    await hydrated(page);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill(OWNER.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).not.toHaveURL(/sign-in$/);
    const goto = async (path: string) => {
      await page.goto(path);
      await hydrated(page);
    };
    const list = `/users?customer=${customer.id}`;
    await previewed(page, goto, { list, names: ["Ada", "Bea"], action: "Invite to enrol" });
    await applied(page, "Bea", "Gets an invitation by mail", "2 users");
    for (const address of ["ada@adatum.example", "bea@adatum.example"]) {
      expect(linkIn(await server.mail.last(address))).toContain("secret=");
    }
    await previewed(page, goto, { list, names: ["Ada"], action: "Invite to enrol" });
    await expect(line(page, "Ada")).toContainText("Invited already, and the link is still good");
    await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);
  } finally {
    await context.close();
    await server.stop();
  }
});
