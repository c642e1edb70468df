import { axeFindsNothing } from "../audit";
import { expect, test } from "../fixtures";

// Everything is paused in the tests of the server alone: here it would stop the other tests' syncs.

test("a schedule has a window in the customer's time zone", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);

  await test.step("the time zone, on the customer's page", async () => {
    await goto(`/customers/${customer.id}`);
    await expect(page.getByRole("main")).toContainText("Time zone UTC");
    await page.getByRole("link", { name: "Change time zone" }).click();
    const dialog = page.getByRole("dialog", { name: "Time Zone" });
    await dialog.getByLabel("Time zone").selectOption("Europe/Amsterdam");
    await axeFindsNothing(page);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("main")).toContainText("Time zone Europe/Amsterdam");
  });

  await test.step("the window, with what is wrong at its field", async () => {
    await goto(`/integrations/${integration.id}`);
    await page.getByRole("switch", { name: /Run by schedule only between/ }).check();
    await page.getByLabel("Window opens at").fill("ten");
    await page.getByLabel("Window closes at").fill("06:00");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByLabel("Window opens at")).toHaveAccessibleDescription(/Enter a time/);
    await page.getByLabel("Window opens at").fill("22:00");
    await page.getByRole("checkbox", { name: "Saturday" }).check();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(/between 22:00 and 06:00 on Saturday, Europe\/Amsterdam; next at Sat/)).toBeVisible();
    await axeFindsNothing(page);
  });
});

test("a pause says who and why, with Resume beside it", async ({ page, goto, customer, tenant, api }) => {
  const integration = await api.synced(customer, tenant);

  await test.step("an integration", async () => {
    await goto(`/integrations/${integration.id}/pause`);
    const dialog = page.getByRole("dialog", { name: /^Pause / });
    await dialog.getByLabel("Reason").fill("Moving house");
    await dialog.getByRole("button", { name: "Pause" }).click();
    await expect(dialog).toBeHidden();
    const note = page.getByRole("region", { name: "Paused" });
    await expect(note).toContainText("Moving house");
    await axeFindsNothing(page);
    await goto(`/integrations?customer=${customer.id}`);
    await expect(page.getByRole("table", { name: "Integrations" })).toContainText("Paused");
    await goto(`/integrations/${integration.id}`);
    await note.getByRole("button", { name: "Resume" }).click();
    await expect(note).toHaveCount(0);
  });

  await test.step("a customer", async () => {
    await goto(`/customers/${customer.id}`);
    await page.getByRole("main").getByRole("link", { name: "Pause" }).click();
    const dialog = page.getByRole("dialog", { name: /^Pause / });
    await dialog.getByRole("button", { name: "Pause" }).click();
    await expect(dialog).toBeHidden();
    const note = page.getByRole("region", { name: "Paused" });
    await expect(note).toContainText("all its integrations");
    await note.getByRole("button", { name: "Resume" }).click();
    await expect(note).toHaveCount(0);
  });
});
