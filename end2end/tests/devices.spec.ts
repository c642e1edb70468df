import fs from "node:fs/promises";

import { EVERY_TYPE } from "../api";
import { parseCsv } from "../csv";
import { expect, test } from "../fixtures";

interface Device {
  id: string;
  external_id: string;
  display_name: string;
}

test("devices are found, show what the tenant knows of them, and are written out", async ({
  page,
  goto,
  customer,
  tenant,
  control,
  api,
}) => {
  const name = "KIOSK-0042";
  const made = await control.createDevice(name, {
    operatingSystem: "Windows",
    operatingSystemVersion: "10.0.22631.3447",
    trustType: "ServerAd",
    isCompliant: false,
    isManaged: true,
  });
  await api.synced(customer, tenant, EVERY_TYPE);
  const devices = await api.all<Device>(`/customers/${customer.id}/devices`);

  await goto(`/devices?customer=${customer.id}&rows=1000`);
  const rows = page.getByRole("table", { name: "Devices" }).getByRole("row");
  await expect(rows).toHaveCount(devices.length + 1);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export to CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("devices.csv");
  const written = parseCsv(await fs.readFile(await download.path(), "utf8"));
  expect(written.map((row) => row["Object Id"]).sort()).toEqual(devices.map((one) => one.external_id).sort());

  await page.getByRole("searchbox", { name: "Search Devices" }).fill("kiosk");
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(1)).toContainText("Entra hybrid joined");
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  const attributes = page.getByRole("table", { name: "Attributes" });
  await expect(attributes.getByRole("row", { name: /^Compliant/ })).toContainText("No");
  await expect(attributes.getByRole("row", { name: /^Managed/ })).toContainText("Yes");
  await expect(attributes.getByRole("row", { name: /^Object id/ })).toContainText(made.id);
});
