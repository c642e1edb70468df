// Signing in with an account of an OpenID provider, which a certified one plays: invited and let in,
// unknown and refused, linked and unlinked, and the ways in which somebody may try to misuse it.
import { expect, hydrated, invite, rollcall, test } from "../fixtures";
import { atProvider, login, STRANGER, withoutFonts } from "../providers";

const PASSWORD = "seven small green teapots";

test.describe("a stranger", () => {
  test.use({ storageState: STRANGER });

  test("who was invited accepts with the provider, and comes in by it again", async ({ page, goto, browser, unique }) => {
    await withoutFonts(page.context());
    const name = login(unique("Ida Invited"));
    const link = await invite(browser, "Ida Invited", `${name}@end2end.example`);

    await test.step("the account is nobody’s yet, though its mail address was invited", async () => {
      await goto("/sign-in?next=/users");
      await page.getByRole("link", { name: "Sign in with Contoso" }).click();
      await atProvider(page, name);
      await expect(page).toHaveURL("/sign-in");
      await hydrated(page);
      await expect(page.getByRole("alert")).toContainText(`${name}@contoso.example`);
      await expect(page.getByRole("alert")).toContainText("Ask for an invitation");
    });

    await test.step("it accepts the invitation", async () => {
      const { pathname, search } = new URL(link);
      await goto(pathname + search);
      await page.getByRole("link", { name: "Accept with Contoso" }).click();
      await expect(page).toHaveURL("/");
      await hydrated(page);
    });

    await test.step("it is the only way in, and can’t be unlinked", async () => {
      await goto("/account");
      const accounts = page.getByRole("table", { name: "Accounts you sign in with" });
      await expect(accounts).toContainText(`${name}@contoso.example`);
      await expect(accounts).toContainText("Your only way in");
      await expect(accounts.getByRole("button", { name: /^Unlink/ })).toHaveCount(0);
    });

    await test.step("signed out, it lets in again, to where one wanted to go", async () => {
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page).toHaveURL("/sign-in");
      await goto("/sync-history");
      await expect(page).toHaveURL(/sign-in\?next=/);
      await page.getByRole("link", { name: "Sign in with Contoso" }).click();
      await expect(page).toHaveURL("/sync-history");
      await hydrated(page);
    });
  });

  test("can’t use an answer of the provider twice, nor in another browser", async ({ page, goto, browser, unique }) => {
    await withoutFonts(page.context());
    const answers: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/callback?")) {
        answers.push(request.url());
      }
    });
    await goto("/sign-in");
    await page.getByRole("link", { name: "Sign in with Contoso" }).click();
    await atProvider(page, login(unique("Rita Replay")));
    await expect(page).toHaveURL("/sign-in");
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    await page.goto(answer!);
    await expect(page).toHaveURL("/sign-in");
    await hydrated(page);
    await expect(page.getByRole("alert")).toContainText("This sign-in was used already");

    const elsewhere = await browser.newContext({ storageState: STRANGER });
    const other = await elsewhere.newPage();
    await other.goto(answer!);
    await expect(other.getByRole("alert")).toContainText("began in another browser");
    await elsewhere.close();
  });

  test("can’t be sent to another site by it", async ({ page, browser, unique }) => {
    await withoutFonts(page.context());
    const name = login(unique("Olaf Open"));
    const link = await invite(browser, "Olaf Open", `${name}@end2end.example`);
    const secret = new URL(link).searchParams.get("secret") ?? "";
    // Opened from elsewhere it leads to the page with the button, and nobody is signed in by it.
    await page.goto(`/sign-in/oidc/contoso?invitation=${secret}&next=//evil.example/`);
    await expect(page).toHaveURL(`/invitation?secret=${secret}`);
    await page.getByRole("link", { name: "Accept with Contoso" }).click();
    await atProvider(page, name);
    await expect(page).toHaveURL("/");
    for (const next of ["//evil.example/", "/%5Cevil.example/", "https://evil.example/", "/%09/evil.example/"]) {
      await page.goto(`/sign-in/oidc/contoso?next=${next}`);
      await expect(page).toHaveURL("/");
    }
    await hydrated(page);
  });

  test("comes in without the browser code", async ({ browser, unique }) => {
    const context = await browser.newContext({ storageState: STRANGER });
    await withoutFonts(context);
    await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
    const page = await context.newPage();
    const name = login(unique("Paul Plain"));
    const link = await invite(browser, "Paul Plain", `${name}@end2end.example`);
    await page.goto(link);
    await page.getByRole("link", { name: "Accept with Contoso" }).click();
    await atProvider(page, name);
    await expect(page).toHaveURL("/");
    await expect(page.locator("body")).not.toHaveAttribute("data-hydrated", "true");
    await context.close();
  });
});

test("an operator links an account, comes in by it, and unlinks it", async ({ browser, unique }) => {
  const name = login(unique("Lina Link"));
  const email = `${name}@end2end.example`;
  await rollcall(
    ["operator", "add", "--email", email, "--name", "Lina Link", "--role", "read_only", "--password-stdin"],
    `${PASSWORD}\n`,
  );
  const context = await browser.newContext({ storageState: STRANGER });
  await withoutFonts(context);
  const page = await context.newPage();
  await page.goto("/sign-in?next=/account");
  await hydrated(page);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "My Account" })).toBeVisible();
  await hydrated(page);

  await page.getByRole("link", { name: "Link an account of Contoso" }).click();
  await atProvider(page, name);
  await expect(page).toHaveURL("/account");
  await hydrated(page);
  await expect(page.getByRole("status").filter({ hasText: `${name}@contoso.example of Contoso` })).toBeVisible();
  const accounts = page.getByRole("table", { name: "Accounts you sign in with" });
  await expect(accounts).toContainText(`${name}@contoso.example`);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await page.getByRole("link", { name: "Sign in with Contoso" }).click();
  await expect(page).toHaveURL("/");

  await page.goto("/account");
  await hydrated(page);
  await accounts.getByRole("button", { name: `Unlink ${name}@contoso.example` }).click();
  await expect(page.getByRole("status").filter({ hasText: "Account unlinked" })).toBeVisible();
  await expect(accounts).toHaveCount(0);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in with Contoso" }).click();
  await expect(page.getByRole("alert")).toContainText("Ask for an invitation");
  await context.close();
});
