// All pages of the product, for one customer whose tenant was synced.
import { EVERY_TYPE, type Api, type Customer, type Run } from "./api";
import { rollcall } from "./fixtures";
import { held, kept, type Control, type Tenant } from "./simulator";

/** Titles fit for file names, with the addresses. */
export async function pages(
  api: Api,
  control: Control,
  customer: Customer,
  tenant: Tenant,
): Promise<[title: string, address: string][]> {
  const twin = await control.createUser("Tessa", "Twice");
  const here = await api.post<{ id: string }>(`/customers/${customer.id}/users`, {
    display_name: "Tessa Twice of Reception",
    user_principal_name: `tessa.twice@${tenant.domain}`,
    given_name: "Tessa",
    surname: "Twice",
  });
  const integration = await api.synced(customer, tenant, EVERY_TYPE);
  const imported = await api.upload<{ id: string }>(
    `/customers/${customer.id}/imports?name=people-of-the-tour.csv`,
    "user name;first name;last name;department;desk\nida.import@contoso.example;Ida;Import;Sales;4\nnobody;Ned;Nobody;Sales;5\n",
  );
  const [leaver] = kept(await control.snapshot()).filter((user) => user.account_enabled && user.id !== twin.id);
  await control.delete(leaver!.id);
  const run = await api.run(integration, "delta");
  await held(control, 14, twin.id);
  const waiting = await api.run(integration, "delta", ["held"]);
  const preview = await api.post<Run>(`/integrations/${integration.id}/runs`, {
    mode: "preview",
    policy: { ...integration.policy, include_guests: true },
  });
  await api.ended(preview);
  const template = await api.post<{ id: string }>("/policy-templates", {
    name: `Standard of the tour ${customer.id.slice(-6)}`,
    policy: { include_nested: true, require_names: false },
  });
  const following = { policy_template_id: template.id };
  await api.put(`/integrations/${integration.id}/template`, following);
  await api.post(`/integrations/${integration.id}/drift/accept`, { paths: ["policy.require_names"], note: "Ticket T-1" });
  const [user] = await api.all<{ id: string }>(`/customers/${customer.id}/users`);
  const [group] = await api.all<{ id: string }>(`/customers/${customer.id}/groups`);
  const [contact] = await api.all<{ id: string }>(`/customers/${customer.id}/contacts`);
  const [device] = await api.all<{ id: string }>(`/customers/${customer.id}/devices`);
  const profiles = await api.all<{ id: string; customer_id: string | null }>("/credential-profiles");
  const profile = profiles.find((one) => one.customer_id === customer.id);
  await api.put(`/credential-profiles/${profile?.id}/second`, { kind: "certificate", certificate_years: 1 });
  const told = await api.post<{ id: string }>(`/customers/${customer.id}/notification-recipients`, {
    kind: "webhook",
    address: "https://hooks.invalid/a/rather/long/address/that/names/what/it/is/for",
  });
  const [event] = await api.all<{ id: string }>(`/audit-events?customer_id=${customer.id}&action=integration.create`);
  await api.patch(`/customers/${customer.id}`, { tags: [`tour ${customer.id.slice(-6)}`, "a rather long tag for the tour"] });
  // No program invites anybody.
  const email = `tour.${customer.id}@end2end.example`;
  await rollcall(
    ["operator", "add", "--email", email, "--name", "Tomasina Tour-Guide", "--role", "help_desk", "--password-stdin"],
    "seven small green teapots\n",
  );
  const [guide] = await api.all<{ id: string }>(`/operators?q=${encodeURIComponent(email)}`);
  await api.patch(`/operators/${guide?.id}`, { scope: { kind: "some", customer_ids: [customer.id] } });
  const consent = await api.post<{ url: string }>(`/customers/${customer.id}/consent-links`, {
    credential_profile_id: profile?.id,
    cloud: "sim",
    tenant: tenant.domain,
    object_types: ["user", "group", "contact", "device"],
  });
  const link = new URL(consent.url);
  const [token] = await api.all<{ id: string }>("/api-tokens");
  const of = `?customer=${customer.id}`;
  return [
    ["overview", "/"],
    ["customers", "/customers"],
    ["customer-add", "/customers/add"],
    ["customer", `/customers/${customer.id}`],
    ["enrolment", `/customers/${customer.id}/enrolment`],
    ["customer-settings-file", `/customers/${customer.id}/settings-file`],
    ["customer-versions", `/customers/${customer.id}/versions`],
    ["customer-version", `/customers/${customer.id}/versions/1`],
    ["customer-tags", `/customers/${customer.id}/tags`],
    ["operators", "/operators"],
    ["operator-invite", "/operators/invite"],
    ["operator", `/operators/${guide?.id}`],
    ["operator-edit", `/operators/${guide?.id}/edit`],
    ["roles", "/operators/roles"],
    ["api-tokens", "/api-tokens"],
    ["api-token-add", "/api-tokens/add"],
    ["api-token", `/api-tokens/${token?.id}`],
    ["api-token-revoke", `/api-tokens/${token?.id}/revoke`],
    ["customer-delete", `/customers/${customer.id}/delete`],
    ["recipient-add", `/customers/${customer.id}/notifications/add?with=webhook`],
    ["recipient", `/notification-recipients/${told.id}`],
    ["notifications", "/notifications"],
    ["imports", `/customers/${customer.id}/imports`],
    ["import", `/imports/${imported.id}`],
    ["import-groups", `/customers/${customer.id}/imports/from-groups?integration=${integration.id}`],
    ["users", `/users${of}`],
    ["user", `/users/${user?.id}`],
    ["user-add", `/users/add${of}`],
    ["user-here", `/users/${here.id}`],
    ["user-edit", `/users/${here.id}/edit`],
    ["user-aliases", `/users/${here.id}/aliases`],
    ["users-views", `/users/views${of}`],
    ["groups", `/groups${of}`],
    ["group-add", `/groups/add${of}`],
    ["group", `/groups/${group?.id}`],
    ["contacts", `/contacts${of}`],
    ["contacts-none", `/contacts${of}&q=nobody`],
    ["contact", `/contacts/${contact?.id}`],
    ["devices", `/devices${of}`],
    ["device", `/devices/${device?.id}`],
    ["integrations", `/integrations${of}`],
    ["integration-add", `/integrations/add${of}`],
    ["authorize", `/integrations/authorize?integration=${integration.id}`],
    ["consent", link.pathname + link.search],
    ["integration", `/integrations/${integration.id}`],
    ["integration-sync-history", `/integrations/${integration.id}/sync-history`],
    ["integration-groups", `/integrations/${integration.id}/groups`],
    ["integration-versions", `/integrations/${integration.id}/versions`],
    ["integration-version", `/integrations/${integration.id}/versions/1`],
    ["integration-template", `/integrations/${integration.id}/template`],
    ["integration-settings-file", `/integrations/${integration.id}/settings-file`],
    ["policy-templates", "/policy-templates"],
    ["policy-template-add", "/policy-templates/add"],
    ["policy-template", `/policy-templates/${template.id}`],
    ["policy-template-edit", `/policy-templates/${template.id}/edit`],
    ["integration-filters", `/integrations/${integration.id}/filters`],
    ["integration-matching", `/integrations/${integration.id}/matching`],
    ["integration-match", `/integrations/${integration.id}/matching/${twin.id}`],
    ["integration-attributes", `/integrations/${integration.id}/attributes`],
    ["integration-delete", `/integrations/${integration.id}/delete`],
    ["sync-history", `/sync-history${of}`],
    ["run", `/runs/${run.id}`],
    ["run-held", `/runs/${waiting.id}`],
    ["run-preview", `/runs/${preview.id}`],
    ["run-preview-apply", `/runs/${preview.id}/apply`],
    ["credential-profiles", "/credential-profiles"],
    ["credential-profile", `/credential-profiles/${profile?.id}`],
    ["credential-profile-add", "/credential-profiles/add?with=certificate"],
    ["audit-log", `/audit-log${of}`],
    ["audit-event", `/audit-log/${event?.id}`],
    ["credential-profile-second", `/credential-profiles/${profile?.id}/second?with=made`],
    ["credential-profile-use-second", `/credential-profiles/${profile?.id}/use-second`],
    ["find", "/find"],
    ["account", "/account"],
    ["authenticator", "/account/authenticator"],
    ["passkey-add", "/account/passkeys/add"],
    ["confirm", "/confirm"],
    ["required-second-factor", "/operators/roles/second-factor"],
  ];
}
