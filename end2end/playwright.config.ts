// The product in Chromium. `cargo xtask test pages` starts the simulator and an empty server and
// says in the environment where they are:
//   E2E_URL              the server's address
//   E2E_ROLLCALL         the server's program; its ROLLCALL_* configuration is set too
//   E2E_SETUP_CODE_FILE  the one-time code for creating the first operator
//   E2E_TOKEN            an API token (administrator, all customers) for making what a test needs
//   E2E_SIMULATOR        a file: what `entra-simulator --json` printed (tenants, secrets, addresses)
//   E2E_CHROMIUM         the browser's program
//   E2E_AXE              "off": axe doesn't look at pages
//   E2E_RESULTS          a folder for what a run leaves, where several runs go on beside each other
// The database is the server's affair: the same tests run on SQLite and on PostgreSQL.
import { defineConfig, devices } from "@playwright/test";

import { OWNER_STATE, WORKERS } from "./fixtures";
import { RESULTS } from "./results";

export default defineConfig({
  testDir: "tests",
  outputDir: RESULTS,
  // Every test works on a customer of its own, so that they may run beside each other.
  fullyParallel: true,
  workers: WORKERS,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    baseURL: process.env.E2E_URL ?? "http://127.0.0.1:3000",
    // Without pictures and copies of pages: taking them costs more than the tests themselves.
    trace: { mode: "retain-on-failure", screenshots: false, snapshots: false },
    launchOptions: {
      executablePath: process.env.E2E_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // A sandboxed frame in a process of its own is one that Playwright loses when it goes.
        "--disable-features=IsolateSandboxedIframes",
      ],
    },
  },
  projects: [
    // Creates the owner, as the very first visitor does; everything else signs in as that owner.
    { name: "first start", testMatch: "first-start.setup.ts", use: devices["Desktop Chrome"] },
    {
      name: "pages",
      testMatch: "*.spec.ts",
      dependencies: ["first start"],
      use: { ...devices["Desktop Chrome"], storageState: OWNER_STATE },
    },
    // The pictures of the README, by `cargo xtask pictures`.
    {
      name: "pictures",
      testMatch: process.env.E2E_PICTURES ? "*.pictures.ts" : [],
      dependencies: ["first start"],
      use: { ...devices["Desktop Chrome"], storageState: OWNER_STATE },
    },
  ],
});
