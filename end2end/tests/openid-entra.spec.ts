// Signing in with Entra ID's kind of provider, for many tenants and for one, and roles that a provider
// gives: by app roles and by groups.
import { atProvider, expect, login, test, type ProvidedServer } from "../providers";

const NOT_YOURS = "Your organization is not one of those that sign in here with";
const HELP_DESK = ["Rollcall.HelpDesk"];
/** A tenant that nobody allowed. */
const ELSEWHERE = "0a1b2c3d-0000-4000-8000-0000000000ff";
const USER_MANAGERS = "5f0e6c52-0000-4000-8000-000000000001";

/** An object id as Entra ID gives one: the last part says who it is. */
const objectId = (name: string) => `0b1ec700-0000-4000-8000-${Buffer.from(name).toString("hex").slice(-12)}`;

/** The tenants of Woodgrove that may sign in. */
function tenants(provided: ProvidedServer): [string, string] {
  const [first, second] = provided.configuration("woodgrove").tenant_ids!;
  return [first!, second!];
}

// Each signs in several times.
test.describe.configure({ timeout: 120_000 });

test("an account of an allowed tenant joins and comes in, with the role of its app role", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Ella Entra"));
  const [tid] = tenants(provided);
  const claims = { tid, oid: objectId(name), roles: HELP_DESK };
  await provided.wish("woodgrove", name, { claims });
  await provided.joined(browser, visitor, "woodgrove", name);
  expect(await provided.role(name), "she was invited as Read-Only").toBe("help_desk");
  await visitor.signOut();

  await test.step("the highest of her app roles counts", async () => {
    await provided.wish("woodgrove", name, { claims: { ...claims, roles: [...HELP_DESK, "Rollcall.Administrator", "Else"] } });
    await visitor.begin("woodgrove");
    await visitor.isIn();
    expect(await provided.role(name)).toBe("administrator");
    await visitor.signOut();
  });

  await test.step("she is her object id, whatever name and sub the token has", async () => {
    await provided.wish("woodgrove", name, { claims, forged: { sub: "another", preferred_username: "renamed@woodgrove.example" } });
    await visitor.begin("woodgrove");
    await visitor.isIn();
    await visitor.page.goto("/account");
    await expect(visitor.page.getByRole("table", { name: "Accounts you sign in with" })).toContainText("renamed@woodgrove.example");
    await visitor.signOut();
  });

  await test.step("without an app role that is mapped she stays out", async () => {
    await provided.wish("woodgrove", name, { claims: { ...claims, roles: ["Rollcall.Nothing"] } });
    await visitor.begin("woodgrove");
    await visitor.isRefused("None of your roles or groups at Woodgrove gives you a role here.");
  });

  await test.step("an object id of another allowed tenant is somebody else", async () => {
    const [, other] = tenants(provided);
    await provided.wish("woodgrove", name, { claims: { ...claims, tid: other } });
    await visitor.begin("woodgrove");
    await visitor.isRefused("Nobody signs in here with the account");
  });
  expect(await provided.reasons(visitor)).toEqual(["no_role", "unknown_account"]);
});

test("an account of another tenant is refused, whatever its token claims", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Tom Tenant"));
  const [tid, second] = tenants(provided);
  const claims = { tid, oid: objectId(name), roles: HELP_DESK };
  await provided.wish("woodgrove", name, { claims });
  await provided.joined(browser, visitor, "woodgrove", name);
  await visitor.signOut();
  const { origin } = new URL(provided.configuration("woodgrove").issuer);
  const unreliable = "What Woodgrove said of you can’t be relied on";
  const { oid: _, ...nobody } = claims;

  await test.step("its tenant isn’t in the list", async () => {
    await provided.wish("woodgrove", name, { claims: { ...claims, tid: ELSEWHERE } });
    await visitor.begin("woodgrove");
    await visitor.isRefused(`${NOT_YOURS} Woodgrove`);
  });
  await test.step("it names no tenant", async () => {
    await provided.wish("woodgrove", name, { claims: { oid: claims.oid, roles: HELP_DESK } });
    await visitor.begin("woodgrove");
    await visitor.isRefused(`${NOT_YOURS} Woodgrove`);
  });
  for (const [what, iss] of [
    ["of a tenant that isn’t in the list", `${origin}/${ELSEWHERE}/v2.0`],
    ["of another allowed tenant", `${origin}/${second}/v2.0`],
    ["that stands for all tenants", `${origin}/organizations/v2.0`],
    ["as the template has it", `${origin}/{tenantid}/v2.0`],
  ]) {
    await test.step(`it claims an allowed tenant and has the issuer ${what}`, async () => {
      await provided.wish("woodgrove", name, { claims, forged: { iss } });
      await visitor.begin("woodgrove");
      await visitor.isRefused(unreliable);
    });
  }
  await test.step("it has no object id", async () => {
    await provided.wish("woodgrove", name, { claims: nobody });
    await visitor.begin("woodgrove");
    await visitor.isRefused(unreliable);
  });
  await test.step("it isn’t signed", async () => {
    await provided.wish("woodgrove", name, { claims, alg: "none" });
    await visitor.begin("woodgrove");
    await visitor.isRefused(unreliable);
  });
  expect(await provided.reasons(visitor)).toEqual(["tenant", "tenant", ...Array<string>(6).fill("token_refused")]);
});

test("one tenant alone signs in where the issuer names it, with roles by groups", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Gina Groups"));
  const [, tid] = new URL(provided.configuration("tailspin").issuer).pathname.split("/");
  const claims = { tid, oid: objectId(name), groups: ["5f0e6c52-0000-4000-8000-000000000009", USER_MANAGERS] };
  await provided.wish("tailspin", name, { claims });
  await provided.joined(browser, visitor, "tailspin", name);
  expect(await provided.role(name)).toBe("user_manager");
  await visitor.signOut();

  await test.step("in more groups than Entra ID tells", async () => {
    await provided.wish("tailspin", name, { claims: { tid, oid: claims.oid, hasgroups: true } });
    await visitor.begin("tailspin");
    await visitor.isRefused("You are in more groups than Tailspin tells");
  });
  await test.step("of a tenant that another provider of this server allows", async () => {
    await provided.wish("tailspin", name, { claims: { ...claims, tid: tenants(provided)[0] } });
    await visitor.begin("tailspin");
    await visitor.isRefused(`${NOT_YOURS} Tailspin`);
  });
  expect(await provided.reasons(visitor)).toEqual(["no_role", "tenant"]);
});

test("groups of a generic provider give the role at each sign-in, and who has none is out", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Rob Roles"));
  const inGroups = (...groups: string[]) => provided.wish("fabrikam", name, { claims: { groups } });

  await test.step("a group alone lets nobody in", async () => {
    const stranger = login(unique("Sid Stranger"));
    const other = await provided.visitor(browser);
    await provided.wish("fabrikam", stranger, { claims: { groups: ["chiefs"] } });
    await other.begin("fabrikam");
    await atProvider(other.page, stranger);
    await other.isRefused("Ask for an invitation and accept it with Fabrikam");
    expect(await provided.reasons(other)).toEqual(["unknown_account"]);
    await other.page.context().close();
  });

  await inGroups("chiefs");
  await provided.joined(browser, visitor, "fabrikam", name);
  const operators = visitor.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Operators" });
  await expect(operators, "he was invited as Read-Only, and is an administrator").toBeVisible();
  expect(await provided.role(name)).toBe("administrator");
  await visitor.signOut();

  await test.step("a lesser group takes what was given", async () => {
    await inGroups("staff", "bowling");
    await visitor.begin("fabrikam");
    await visitor.isIn();
    await expect(operators).toHaveCount(0);
    expect(await provided.role(name)).toBe("read_only");
    const page = await provided.asOwner(browser);
    await page.goto(`/audit-log?q=${name}`);
    const rows = page.getByRole("table", { name: "Audit Log" }).getByRole("row", { name: /Operator changed/ });
    await expect(rows).toHaveCount(2);
    await rows.first().getByRole("link", { name: "Operator changed" }).click();
    await expect(page.getByRole("main")).toContainText("As Fabrikam says");
    await page.context().close();
    await visitor.signOut();
  });

  await test.step("no group that is mapped", async () => {
    for (const groups of [["bowling", "Chiefs"], []]) {
      await inGroups(...groups);
      await visitor.begin("fabrikam");
      await visitor.isRefused("None of your roles or groups at Fabrikam gives you a role here. Ask Fabrikam’s administrator");
    }
    expect(await provided.reasons(visitor)).toEqual(["no_role", "no_role"]);
    expect(await provided.role(name), "the role stays for who finds out why").toBe("read_only");
  });
});

test("somebody invited whom the provider gives no role doesn’t join", async ({ visitor, provided, browser, unique }) => {
  const name = login(unique("Ivy Invited"));
  await provided.wish("fabrikam", name, { claims: { groups: ["bowling"] } });
  const link = await provided.invited(browser, name);
  const accept = async () => {
    await visitor.page.goto(link);
    await visitor.page.getByRole("link", { name: "Accept with Fabrikam" }).click();
  };
  await accept();
  await atProvider(visitor.page, name);
  await visitor.isRefused("None of your roles or groups at Fabrikam gives you a role here.");
  expect(await provided.reasons(visitor)).toEqual(["no_role"]);

  await test.step("the invitation is still good, once there is one", async () => {
    await provided.wish("fabrikam", name, { claims: { groups: ["staff"] } });
    await accept();
    await visitor.isIn();
    await visitor.signOut();
    await visitor.page.goto(link);
    await expect(visitor.page.getByRole("heading", { level: 1, name: "This link has ended" })).toBeVisible();
  });
});
