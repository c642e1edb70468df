// What every test gets: a signed-in page that is watched, a customer of its own, a tenant of its
// own, and the REST API to make what the test is not about.
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { expect, request, test as base, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";

import { Api, type Customer } from "./api";
import { axeFindsNothing } from "./audit";
import { RESULTS } from "./results";
import { claimTenant, Control, type Tenant } from "./simulator";

/** The owner whom the first start makes. */
export const OWNER = {
  name: "Olga Owner",
  email: "owner@end2end.example",
  password: "correct horse battery staple",
};

/** Where the owner's cookies are kept for the other tests. */
export const OWNER_STATE = path.join(RESULTS, "owner.json");
/** Tests that run beside each other; playwright.config.ts starts so many workers. */
export const WORKERS = 2;
/**
 * Where the cookies of a session of its own are kept for the plain pages of each worker: what a plain
 * form leaves for its page stands in the session, and the next page of that session takes it.
 */
export const plainState = (worker: number) => path.join(RESULTS, `plain-${worker}.json`);
const CLAIMS = path.join(RESULTS, "tenants");

/** A page on which whatever the browser complains about is remembered. */
interface Watched {
  /** Opens a path and waits until the browser code has taken the page over. */
  goto(path: string): Promise<void>;
  /** What the browser complained about; the test takes out what it expects. */
  complaints: string[];
}

interface TestFixtures {
  /** Opens a path of the product, waits for the browser code, and has axe look at it. */
  goto: (path: string) => Promise<void>;
  /** Fails the test for what the browser complains about; watches every page of the test. */
  watched: Watched;
  customer: Customer;
  tenant: Tenant;
  control: Control;
  /** A name that no other test uses. */
  unique: (name: string) => string;
  /** Another browser without the browser code: scripts and modules never arrive. */
  plain: Page;
}

interface WorkerFixtures {
  api: Api;
}

/** Waits until the browser code runs: before that a press is a plain link or form. */
export async function hydrated(page: Page): Promise<void> {
  await expect(page.locator("body")).toHaveAttribute("data-hydrated", "true", { timeout: 20_000 });
}

/** Runs a command of the server's program, with the server's own configuration. */
export async function rollcall(arguments_: string[], input = ""): Promise<string> {
  const program = process.env.E2E_ROLLCALL;
  if (!program) {
    throw new Error("E2E_ROLLCALL names no program; run `cargo xtask test pages`");
  }
  const running = promisify(execFile)(program, arguments_);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/**
 * Invites somebody to look at every customer, as the owner does, and answers the link to hand over.
 * `at` is the owner's browser: that of the shared server where nothing else is said.
 */
export async function invite(
  browser: Browser,
  name: string,
  email: string,
  at: BrowserContextOptions = { storageState: OWNER_STATE },
): Promise<string> {
  const context = await browser.newContext(at);
  const page = await context.newPage();
  await page.goto("/operators/invite");
  await hydrated(page);
  const dialog = page.getByRole("dialog", { name: "Invite Operator" });
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption("Read-Only");
  await dialog.getByLabel("All customers", { exact: true }).check();
  const link = await dialog.getByLabel("Link to hand over").inputValue();
  await dialog.getByRole("button", { name: "Invite" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await context.close();
  return link;
}

// A form that is refused is answered with one of these, which Chromium always reports.
const REFUSED = /the server responded with a status of (409|422|429) /;

// axe looks into the frame of a mail's preview, which lets nothing run.
const SANDBOXED = /^Blocked script execution in 'about:srcdoc'/;

/** Remembers what the browser complains about on each page of a context. */
export function complaintsOf(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on("weberror", (error) => complaints.push(`error on ${error.page()?.url()}: ${error.error().stack ?? error.error().message}`));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !REFUSED.test(message.text()) && !SANDBOXED.test(message.text())) {
      complaints.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  return complaints;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  watched: [
    async ({ page }, use) => {
      const complaints = complaintsOf(page.context());
      const goto = async (to: string) => {
        await page.goto(to);
        await hydrated(page);
        await axeFindsNothing(page);
      };
      await use({ goto, complaints });
      // Where the test left the page counts too: dialogs, errors, results.
      if (test.info().status === test.info().expectedStatus && page.url() !== "about:blank") {
        await axeFindsNothing(page);
      }
      expect(complaints, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
  goto: async ({ watched }, use) => use(watched.goto),
  unique: async ({}, use, info) => {
    // Retries and repeats are other tests as far as names go.
    const mark = `${info.testId.slice(-6)}${info.repeatEachIndex}${info.retry}`;
    await use((name) => `${name} ${mark}`);
  },
  customer: async ({ api, unique }, use) => use(await api.customer(unique("Customer"))),
  tenant: async ({}, use) => use(claimTenant(CLAIMS)),
  control: async ({ tenant }, use) => {
    const caller = await request.newContext();
    await use(new Control(caller, tenant));
    await caller.dispose();
  },
  plain: async ({ browser }, use, info) => {
    const context = await browser.newContext({ storageState: plainState(info.parallelIndex) });
    await context.route(/\.(wasm|js)(\?|$)/, (route) => route.abort());
    await use(await context.newPage());
    await context.close();
  },
  api: [
    async ({}, use) => {
      const caller = await request.newContext({
        baseURL: process.env.E2E_URL ?? "http://127.0.0.1:3000",
        extraHTTPHeaders: { authorization: `Bearer ${process.env.E2E_TOKEN ?? ""}` },
      });
      await use(new Api(caller));
      await caller.dispose();
    },
    { scope: "worker" },
  ],
});

export { expect };
