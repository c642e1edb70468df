// The very first visitor: nobody can sign in yet, and the setup code proves who runs the server.
import fs from "node:fs";

import { expect, hydrated, OWNER, OWNER_STATE, plainState, test as setup, WORKERS } from "../fixtures";

setup("the one who has the setup code becomes the owner", async ({ page, goto, watched, browser }) => {
  const file = process.env.E2E_SETUP_CODE_FILE ?? "";
  const code = fs.readFileSync(file, "utf8").trim();
  expect(fs.statSync(file).mode & 0o777, "only the server's own user reads the code").toBe(0o600);

  await setup.step("every way leads to creating the owner", async () => {
    await goto("/integrations");
    await expect(page.getByRole("heading", { level: 1, name: "Create the owner" })).toBeVisible();
  });

  await expect(page.getByLabel("Require a second factor of owners and administrators")).toBeChecked();
  const fill = async (codeGiven: string, password: string) => {
    await page.getByLabel("Setup code").fill(codeGiven);
    await page.getByLabel("Your name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill(password);
    // On where nothing else is said. The other tests sign in with the password alone.
    await page.getByLabel("Require a second factor of owners and administrators").uncheck();
    await page.getByRole("button", { name: "Create the owner" }).click();
  };

  await setup.step("a wrong code and a short password are refused at their fields", async () => {
    await fill("not-the-code", OWNER.password);
    await expect(page.getByLabel("Setup code")).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel("Setup code")).toHaveAccessibleDescription(/code/i);
    // What was typed is still there, but for the password.
    await expect(page.getByLabel("Your name")).toHaveValue(OWNER.name);
    await expect(page.getByLabel("Password")).toHaveValue("");
    await fill(code, "short");
    await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/at least 12 characters/i);
  });

  await setup.step("the right code makes the owner and signs them in", async () => {
    await fill(code, OWNER.password);
    await expect(page).toHaveURL("/");
    await hydrated(page);
    await expect(page.getByRole("status").filter({ hasText: `Welcome, ${OWNER.name}` })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1, name: "No customers yet" })).toBeVisible();
    expect(fs.existsSync(file), "the code is gone once an operator exists").toBe(false);
  });

  await setup.step("afterwards there is no such page", async () => {
    await goto("/setup");
    await expect(page).not.toHaveURL(/setup/);
  });

  await setup.step("lists that are empty say what to do next", async () => {
    for (const [path, heading] of [
      ["/customers", "No customers yet"],
      ["/credential-profiles", "No credential profiles yet"],
      ["/integrations", "Nothing is connected yet"],
      ["/users", "No users yet"],
      ["/groups", "No groups yet"],
      ["/sync-history", "No run yet"],
    ] as const) {
      await goto(path);
      await expect(page.getByRole("heading", { name: heading })).toBeVisible();
    }
  });

  expect(watched.complaints).toEqual([]);
  await page.context().storageState({ path: OWNER_STATE });
  for (let worker = 0; worker < WORKERS; worker++) {
    const context = await browser.newContext();
    const plain = await context.newPage();
    await plain.goto("/sign-in");
    await plain.getByLabel("E-mail").fill(OWNER.email);
    await plain.getByLabel("Password").fill(OWNER.password);
    await plain.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(plain).toHaveURL("/");
    await context.storageState({ path: plainState(worker) });
    await context.close();
  }
});
