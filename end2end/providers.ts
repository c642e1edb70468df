// Signing in at OpenID providers that say what a test wishes: honest ones, Entra ID's kind, and hostile
// ones. And a server of the product that trusts them.
import { spawn, type ChildProcess } from "node:child_process";
import readline from "node:readline";

import { request, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";

import { Api } from "./api";
import { complaintsOf, expect, hydrated, invite, OWNER, test as base } from "./fixtures";
import { ended, OwnServer } from "./server";

export const STRANGER = { cookies: [], origins: [] };
const IDS = ["contoso", "fabrikam", "woodgrove", "tailspin"] as const;
export type ProviderId = (typeof IDS)[number];
const TITLES = { contoso: "Contoso", fabrikam: "Fabrikam", woodgrove: "Woodgrove", tailspin: "Tailspin" };

/** What a provider does for one account: provider.mjs says what each is. */
export interface Wish {
  claims?: Record<string, unknown>;
  forged?: Record<string, unknown>;
  alg?: "none" | "HS256";
  token?: string;
  hold?: boolean;
}

interface Configured {
  id: ProviderId;
  issuer: string;
  tenant_ids?: string[];
}

/** An entry of the audit log about a sign-in that failed. */
export interface Failed {
  object_name: string;
  after: { provider: string; reason: string };
}

/** A name as somebody gives it at a provider. */
export const login = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

/** The provider's pages want fonts of another site. */
export async function withoutFonts(context: BrowserContext) {
  await context.route(/fonts\.g(oogleapis|static)\.com/, (route) =>
    route.fulfill({ status: 200, contentType: "text/css", body: "" }),
  );
}

/** Signs in at the provider, for the first time in this browser, and lets it tell Rollcall. */
export async function atProvider(page: Page, name: string) {
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("whatever it is");
  await page.locator("button[type=submit]").click();
  await expect(page.locator("input[name=login]")).toHaveCount(0);
  await page.locator("button[type=submit]").click();
}

/** A browser in which nobody is signed in, at a network address of its own. */
export class Visitor {
  constructor(
    readonly page: Page,
    /** Failed tries slow down who comes from the same network: each visitor comes from another. */
    readonly address: string,
  ) {}

  /** Presses the provider's button on the page to sign in. */
  async begin(provider: ProviderId, from = "/sign-in") {
    await this.page.goto(from);
    await hydrated(this.page);
    await expect(this.page.getByRole("alert")).toHaveCount(0);
    await this.page.getByRole("link", { name: `Sign in with ${TITLES[provider]}` }).click();
  }

  /** Was refused with these words, and is nobody. */
  async isRefused(words: string | RegExp) {
    await expect(this.page.getByRole("alert")).toContainText(words);
    await expect(this.page).toHaveURL("/sign-in");
    await hydrated(this.page);
    await this.page.goto("/users");
    await expect(this.page, "nobody is signed in").toHaveURL(/\/sign-in\?next=/);
  }

  async isIn(at: string | RegExp = "/") {
    await expect(this.page).toHaveURL(at);
    await hydrated(this.page);
    await expect(this.page.getByRole("navigation", { name: "Main" })).toBeVisible();
  }

  async signOut() {
    await this.page.goto("/account");
    await hydrated(this.page);
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await expect(this.page).toHaveURL("/sign-in");
    await hydrated(this.page);
  }

  /** The answer that the provider would lead to, which was held back. */
  async held(): Promise<URL> {
    await expect(this.page.locator("body")).toContainText("/callback?code=");
    return new URL((await this.page.locator("body").textContent()) ?? "");
  }
}

/** A server of the product with a database of its own, and its providers. */
export class ProvidedServer {
  private visitors = 0;
  private owner: BrowserContextOptions = {};

  private constructor(
    readonly url: string,
    readonly api: Api,
    private readonly worker: number,
    private readonly configured: Configured[],
    private readonly control: string,
    private readonly server: OwnServer,
    private readonly providers: ChildProcess,
    private readonly dispose: () => Promise<void>,
  ) {}

  static async start(browser: Browser, worker: number): Promise<ProvidedServer> {
    const ref: { providers?: ChildProcess; told?: { providers: Configured[]; control: string } } = {};
    const server = await OwnServer.start(OWNER, async (url) => {
      const providers = spawn("node", ["provider.mjs", url, ...IDS], { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "ignore"] });
      ref.providers = providers;
      const [line] = await new Promise<string[]>((resolve, reject) => {
        readline.createInterface(providers.stdout).once("line", (line) => resolve([line]));
        providers.once("exit", () => reject(new Error("provider.mjs ended; run it by hand to see why")));
      });
      ref.told = JSON.parse(line!);
      return {
        ROLLCALL_OIDC_PROVIDERS: JSON.stringify(ref.told!.providers),
        ROLLCALL_TRUSTED_PROXIES: "127.0.0.0/8",
      };
    });
    const headers = { authorization: `Bearer ${server.token}` };
    const caller = await request.newContext({ baseURL: server.url, extraHTTPHeaders: headers });
    const { providers, control } = ref.told!;
    const dispose = () => caller.dispose();
    const started = new ProvidedServer(server.url, new Api(caller), worker, providers, control, server, ref.providers!, dispose);
    await started.signInOwner(browser);
    return started;
  }

  private async signInOwner(browser: Browser) {
    const context = await browser.newContext({ baseURL: this.url, storageState: STRANGER });
    const page = await context.newPage();
    await page.goto("/sign-in");
    await hydrated(page);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill(OWNER.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL("/");
    this.owner = { baseURL: this.url, storageState: await context.storageState() };
    await context.close();
  }

  configuration(provider: ProviderId): Configured {
    return this.configured.find(({ id }) => id === provider)!;
  }

  /** A browser in which the owner is signed in. */
  async asOwner(browser: Browser): Promise<Page> {
    return (await browser.newContext(this.owner)).newPage();
  }

  /** Another browser; whoever asks for it closes its context. */
  async visitor(browser: Browser): Promise<Visitor> {
    const address = `10.1.${this.worker % 256}.${++this.visitors}`;
    const context = await browser.newContext({
      baseURL: this.url,
      storageState: STRANGER,
      extraHTTPHeaders: { "x-forwarded-for": address },
    });
    await withoutFonts(context);
    return new Visitor(await context.newPage(), address);
  }

  /** What a provider does for an account from now on. */
  async wish(provider: ProviderId, name: string, wish: Wish) {
    const answer = await fetch(`${this.control}/${provider}/${name}`, { method: "PUT", body: JSON.stringify(wish) });
    expect(answer.status).toBe(204);
  }

  /** The ID tokens that a provider gave out for an account, the oldest first. */
  async tokens(provider: ProviderId, name: string): Promise<string[]> {
    return (await fetch(`${this.control}/${provider}/${name}`)).json();
  }

  /** Invites somebody as Read-Only; answers the link. */
  async invited(browser: Browser, name: string): Promise<string> {
    return invite(browser, name, `${name}@end2end.example`, this.owner);
  }

  /** Invites somebody, who accepts with an account of the provider and is in. */
  async joined(browser: Browser, visitor: Visitor, provider: ProviderId, name: string): Promise<void> {
    await visitor.page.goto(await this.invited(browser, name));
    await hydrated(visitor.page);
    await visitor.page.getByRole("link", { name: `Accept with ${TITLES[provider]}` }).click();
    await atProvider(visitor.page, name);
    await visitor.isIn();
  }

  /** The role that somebody has by now. */
  async role(name: string): Promise<string> {
    const [operator] = await this.api.all<{ role: string }>(`/operators?q=${name}@end2end.example`);
    return operator!.role;
  }

  /** What the audit log has of failed sign-ins of a visitor, the first one first. */
  async failed(visitor: Visitor): Promise<Failed[]> {
    const events = await this.api.all<Failed & { address: string }>("/audit-events?action=operator.sign_in_failed");
    return events.filter(({ address }) => address === visitor.address).reverse();
  }

  async reasons(visitor: Visitor): Promise<string[]> {
    return (await this.failed(visitor)).map(({ after }) => after.reason);
  }

  async stop() {
    await this.dispose();
    await this.server.stop();
    this.providers.removeAllListeners("exit");
    await ended(this.providers);
  }
}

/** Tests of the server that has all providers. */
export const test = base.extend<{ visitor: Visitor }, { provided: ProvidedServer }>({
  provided: [
    async ({ browser }, use, info) => {
      const server = await ProvidedServer.start(browser, info.workerIndex);
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  visitor: async ({ browser, provided }, use) => {
    const visitor = await provided.visitor(browser);
    const complaints = complaintsOf(visitor.page.context());
    await use(visitor);
    await visitor.page.context().close();
    expect(complaints, "what the browser complained about").toEqual([]);
  },
});

export { expect };
