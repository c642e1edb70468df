// What somebody may try with the answers of OpenID providers, in a browser and against providers that
// lie: each is refused with words, lets nobody in, and is in the audit log.
import { axeFindsNothing } from "../audit";
import { hydrated } from "../fixtures";
import { atProvider, expect, login, test, type Wish } from "../providers";

const UNRELIABLE = "What Contoso said of you can’t be relied on, so it was thrown away. Begin again";
const USED = "This sign-in was used already, took longer than ten minutes, or began in another browser.";
const MIXED_UP = "The answer came from another provider than the one that was asked, so it was thrown away.";

const FORGED: [string, Wish][] = [
  ["no signature (alg none)", { alg: "none" }],
  ["a signature by the shared secret (alg HS256)", { alg: "HS256" }],
  ["another audience", { forged: { aud: "another-client" } }],
  ["a second audience", { forged: { aud: ["rollcall", "another-client"] } }],
  ["another client that asked for it (azp)", { forged: { azp: "another-client" } }],
  ["another issuer", { forged: { iss: "http://127.0.0.1:1" } }],
  ["another nonce", { forged: { nonce: "of another sign-in" } }],
  ["no nonce", { forged: { nonce: null } }],
  ["a time that is over", { forged: { exp: 1_700_000_000 } }],
  ["a time to come", { forged: { iat: 4_000_000_000 } }],
];

// Each signs in many times.
test.describe.configure({ timeout: 180_000 });

test("an ID token that isn’t for this sign-in lets nobody in", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Fay Forged"));
  await provided.joined(browser, visitor, "contoso", name);
  await visitor.signOut();
  for (const [what, wish] of FORGED) {
    await test.step(what, async () => {
      const before = (await provided.failed(visitor)).length;
      await provided.wish("contoso", name, wish);
      await visitor.begin("contoso");
      await visitor.isRefused(UNRELIABLE);
      const failed = (await provided.failed(visitor)).slice(before);
      expect(failed).toEqual([
        expect.objectContaining({ after: expect.objectContaining({ provider: "Contoso", reason: "token_refused" }) }),
      ]);
    });
  }

  await test.step("the owner finds the tries", async () => {
    const page = await provided.asOwner(browser);
    await page.goto(`/audit-log?q=${visitor.address}`);
    await hydrated(page);
    const rows = page.getByRole("table", { name: "Audit Log" }).getByRole("row", { name: /Sign-in failed/ });
    await expect(rows).toHaveCount(FORGED.length);
    await rows.first().getByRole("link", { name: "Sign-in failed" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Sign-in failed" })).toBeVisible();
    const changes = page.getByRole("table", { name: "Before and after" });
    await expect(changes.getByRole("row", { name: "reason" })).toContainText("token_refused");
    await expect(changes.getByRole("row", { name: "provider" })).toContainText("Contoso");
    await page.context().close();
  });

  await test.step("an honest one does", async () => {
    await provided.wish("contoso", name, {});
    await visitor.begin("contoso");
    await visitor.isIn();
  });
});

test("an ID token of an earlier sign-in, or of another provider, lets nobody in", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Nora Nonce"));
  await provided.joined(browser, visitor, "contoso", name);
  await visitor.signOut();
  const [earlier] = await provided.tokens("contoso", name);

  await test.step("of an earlier sign-in: everything about it is right but the nonce", async () => {
    await provided.wish("contoso", name, { token: earlier! });
    await visitor.begin("contoso");
    await visitor.isRefused(UNRELIABLE);
  });

  await test.step("of another provider: a right one, of an account with the same name there", async () => {
    await provided.wish("fabrikam", name, { claims: { groups: ["chiefs"] } });
    await visitor.begin("fabrikam");
    await atProvider(visitor.page, name);
    await visitor.isRefused(`Nobody signs in here with the account ${name}@fabrikam.example of Fabrikam`);
    const [theirs] = await provided.tokens("fabrikam", name);
    await provided.wish("contoso", name, { token: theirs! });
    await visitor.begin("contoso");
    await visitor.isRefused(UNRELIABLE);
  });

  await test.step("of the right provider, in the name of the other", async () => {
    await provided.wish("contoso", name, { forged: { iss: provided.configuration("fabrikam").issuer } });
    await visitor.begin("contoso");
    await visitor.isRefused(UNRELIABLE);
  });
  expect(await provided.reasons(visitor)).toEqual(["token_refused", "unknown_account", "token_refused", "token_refused"]);
});

test("an answer is good once, and only in the browser that asked", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Sara State"));
  await provided.joined(browser, visitor, "contoso", name);
  await visitor.signOut();
  await provided.wish("contoso", name, { hold: true });

  await test.step("a second time it is refused", async () => {
    await visitor.begin("contoso");
    const answer = await visitor.held();
    await visitor.page.goto(answer.href);
    await visitor.isIn();
    await visitor.signOut();
    await visitor.page.goto(answer.href);
    await visitor.isRefused(USED);
    await axeFindsNothing(visitor.page);
    expect(await provided.reasons(visitor)).toEqual(["not_under_way"]);
  });

  await test.step("in another browser it is refused, and gone for the first one too", async () => {
    await visitor.begin("contoso");
    const answer = await visitor.held();
    const other = await provided.visitor(browser);
    await other.page.goto(answer.href);
    await other.isRefused(USED);
    // Also where a sign-in of its own is under way there.
    await other.begin("contoso");
    await expect(other.page.locator("input[name=login]")).toBeVisible();
    await other.page.goto(answer.href);
    await other.isRefused(USED);
    expect(await provided.reasons(other)).toEqual(["not_under_way", "not_under_way"]);
    await other.page.context().close();
    await visitor.page.goto(answer.href);
    await visitor.isRefused(USED);
  });

  await test.step("with another state, or none, it is refused", async () => {
    for (const state of ["A".repeat(43), ""]) {
      await visitor.begin("contoso");
      const answer = await visitor.held();
      answer.searchParams.set("state", state);
      await visitor.page.goto(answer.href);
      await visitor.isRefused(USED);
    }
  });

  await test.step("the code of another sign-in is refused: it belongs to the PKCE verifier of that one", async () => {
    await visitor.begin("contoso");
    const first = await visitor.held();
    await visitor.begin("contoso");
    const second = await visitor.held();
    second.searchParams.set("code", first.searchParams.get("code")!);
    await visitor.page.goto(second.href);
    await visitor.isRefused("Contoso refused to finish the sign-in. Begin again");
  });
  expect(await provided.reasons(visitor)).toEqual([...Array<string>(4).fill("not_under_way"), "code_refused"]);
});

test("an answer of another provider than the one that was asked is thrown away", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Mia Mixed"));
  await provided.joined(browser, visitor, "contoso", name);
  await visitor.signOut();
  await provided.wish("contoso", name, { hold: true });
  await provided.wish("fabrikam", name, { hold: true, claims: { groups: ["chiefs"] } });

  await test.step("it says that it is the other’s, or doesn’t say whose it is", async () => {
    for (const iss of [provided.configuration("fabrikam").issuer, "https://evil.example", null]) {
      await visitor.begin("contoso");
      const answer = await visitor.held();
      expect(answer.searchParams.get("iss")).toBe(provided.configuration("contoso").issuer);
      if (iss === null) {
        answer.searchParams.delete("iss");
      } else {
        answer.searchParams.set("iss", iss);
      }
      await visitor.page.goto(answer.href);
      await visitor.isRefused(MIXED_UP);
    }
  });

  await test.step("it comes to the address of the other", async () => {
    await visitor.begin("fabrikam");
    await atProvider(visitor.page, name);
    const answer = await visitor.held();
    expect(answer.pathname).toBe("/sign-in/oidc/fabrikam/callback");
    answer.pathname = "/sign-in/oidc/contoso/callback";
    await visitor.page.goto(answer.href);
    await visitor.isRefused(MIXED_UP);
    // Nor with a name that fits there.
    await visitor.begin("fabrikam");
    const again = await visitor.held();
    again.pathname = "/sign-in/oidc/contoso/callback";
    again.searchParams.set("iss", provided.configuration("contoso").issuer);
    await visitor.page.goto(again.href);
    await visitor.isRefused(MIXED_UP);
  });
  const failed = await provided.failed(visitor);
  expect(failed.map(({ after }) => [after.provider, after.reason])).toEqual(Array(5).fill(["Contoso", "other_provider"]));
});

test("a sign-in leads to a page of ours and never to another site", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Otto Open"));
  await provided.joined(browser, visitor, "contoso", name);
  const { page } = visitor;
  const elsewhere: string[] = [];
  page.context().on("request", (request) => {
    if (request.url().includes("evil.example") && !request.url().startsWith(provided.url)) {
      elsewhere.push(request.url());
    }
  });
  const back = async (at: string | RegExp) => {
    await expect(page).toHaveURL(at);
    await hydrated(page);
    expect(new URL(page.url()).origin).toBe(provided.url);
    await visitor.signOut();
  };
  await visitor.signOut();
  for (const next of [
    "//evil.example/",
    "https://evil.example/",
    "\\\\evil.example/",
    "/\\evil.example/",
    "/\t/evil.example/",
    "javascript:alert(1)",
    "%2F%2Fevil.example%2F",
    "@evil.example/",
  ]) {
    await test.step(`not to ${JSON.stringify(next)}`, async () => {
      // As a page of ours would lead there, had it let the address through.
      const address = `/sign-in/oidc/contoso?next=${encodeURIComponent(next)}`;
      await page.evaluate((address) => location.assign(address), address);
      await back("/");
    });
  }
  await test.step("nor by the page to sign in", async () => {
    for (const next of ["//evil.example/", "/\\evil.example/"]) {
      await visitor.begin("contoso", `/sign-in?next=${encodeURIComponent(next)}`);
      await back("/");
    }
  });
  await test.step("to a page of ours", async () => {
    await visitor.begin("contoso", "/sign-in?next=%2Fusers%3Fq%3Dada");
    await back("/users?q=ada");
  });
  expect(elsewhere).toEqual([]);
});

test("another site begins nothing", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Cora Cross"));
  await provided.joined(browser, visitor, "contoso", name);
  await visitor.signOut();
  const { page } = visitor;
  await page.route("http://elsewhere.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<a href="${provided.url}/sign-in/oidc/contoso?next=/users">Win something</a>` }),
  );
  await page.goto("http://elsewhere.example/");
  await page.getByRole("link", { name: "Win something" }).click();
  await expect(page).toHaveURL("/sign-in?next=%2Fusers");
  await hydrated(page);
  await page.goto("/account");
  await expect(page, "nobody is signed in").toHaveURL(/\/sign-in\?next=/);
});
