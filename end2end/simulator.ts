// The simulator that plays Entra and Graph: its tenants, and its control API.
import fs from "node:fs";
import path from "node:path";

import type { APIRequestContext } from "@playwright/test";

/** A tenant as `entra-simulator --json` names it. */
export interface Tenant {
  tenant_id: string;
  domain: string;
  display_name: string;
  client_id: string;
  client_secret: string;
  certificate_pem: string;
  private_key_pem: string;
}

export interface TenantUser {
  id: string;
  account_enabled: boolean;
  user_type: string | null;
  display_name: string | null;
  given_name: string | null;
  surname: string | null;
  user_principal_name: string | null;
  mail: string | null;
}

export interface TenantGroup {
  id: string;
  display_name: string | null;
  kind: "security" | "microsoft_365" | "mail_enabled_security" | "distribution";
}

/** Everything in a tenant. */
export interface Snapshot {
  users: TenantUser[];
  groups: TenantGroup[];
  memberships: { group_id: string; member_id: string }[];
}

interface Farm {
  origin: string;
  tenants: Tenant[];
}

/** What the simulator said when it started. */
export function farm(): Farm {
  const file = process.env.E2E_SIMULATOR;
  if (!file) {
    throw new Error("E2E_SIMULATOR names no file; run `cargo xtask test pages`");
  }
  return JSON.parse(fs.readFileSync(file, "utf8")) as Farm;
}

/**
 * A tenant that no other test has: one belongs to one customer, and tests change what is in it.
 * Tests run in several processes; a file per tenant, made only where there is none, decides.
 */
export function claimTenant(folder: string): Tenant {
  fs.mkdirSync(folder, { recursive: true });
  const { tenants } = farm();
  for (const tenant of tenants) {
    try {
      fs.closeSync(fs.openSync(path.join(folder, tenant.domain), "wx"));
      return tenant;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    }
  }
  throw new Error(`all ${tenants.length} tenants are taken; start the simulator with more`);
}

/** Everything that a run would keep as a user under the default policy. */
export function kept(snapshot: Snapshot): TenantUser[] {
  const named = (name: string | null) => name !== null && name.trim() !== "";
  return snapshot.users.filter(
    (user) => user.user_type !== "Guest" && named(user.given_name) && named(user.surname),
  );
}

/** Deletes so many active people, not the spared one, that the guard holds their going; answers how many. */
export async function held(control: Control, number = 14, spared = ""): Promise<number> {
  const active = kept(await control.snapshot()).filter((user) => user.account_enabled && user.id !== spared);
  for (const user of active.slice(0, number)) {
    await control.delete(user.id);
  }
  return number;
}

/** Changes one tenant from outside, as its own administrators would. */
export class Control {
  constructor(
    private readonly request: APIRequestContext,
    private readonly tenant: Tenant,
  ) {}

  async snapshot(): Promise<Snapshot> {
    return this.call("GET", "/snapshot");
  }

  async createUser(givenName: string, surname: string): Promise<{ id: string }> {
    const local = `${givenName}.${surname}`.toLowerCase().replace(/[^a-z.]/g, "");
    return this.call("POST", "/users", {
      displayName: `${givenName} ${surname}`,
      userPrincipalName: `${local}@${this.tenant.domain}`,
      givenName,
      surname,
    });
  }

  async createGroup(displayName: string, kind: TenantGroup["kind"], members: string[] = []): Promise<{ id: string }> {
    const group = await this.call<{ id: string }>("POST", "/groups", { displayName, kind });
    if (members.length > 0) {
      await this.call("POST", `/groups/${group.id}/members`, { ids: members });
    }
    return group;
  }

  /** Of Graph's names, such as `mail` and `companyName`. */
  async createContact(displayName: string, attributes: object = {}): Promise<{ id: string }> {
    return this.call("POST", "/contacts", { displayName, ...attributes });
  }

  /** Of Graph's names, such as `operatingSystem`. */
  async createDevice(displayName: string, attributes: object = {}): Promise<{ id: string }> {
    return this.call("POST", "/devices", { displayName, ...attributes });
  }

  async update(id: string, attributes: object): Promise<void> {
    await this.call("PATCH", `/objects/${id}`, attributes);
  }

  async delete(id: string): Promise<void> {
    await this.call("DELETE", `/objects/${id}`);
  }

  async randomChanges(count: number, seed: number): Promise<void> {
    await this.call("POST", "/random-changes", { count, seed });
  }

  /** Waits so long before every answer. */
  async latency(milliseconds: number): Promise<void> {
    await this.call("PATCH", "/settings", { latency_ms: milliseconds });
  }

  /** What the tenant says of the application: `ready`, `not_consented` and more. */
  async appState(state: string): Promise<void> {
    await this.call("PATCH", "/app", { state });
  }

  /** Which application permissions the tenant granted, from the next token on. */
  async grant(roles: string[]): Promise<void> {
    await this.call("PATCH", "/app", { roles });
  }

  /** Takes all secrets' validity away. */
  async expireSecrets(): Promise<void> {
    await this.call("DELETE", "/app/secrets");
  }

  /** Gives the application another secret beside those it has. */
  async addSecret(): Promise<string> {
    return (await this.call<{ client_secret: string }>("POST", "/app/secrets", {})).client_secret;
  }

  /** Registers a certificate for the application, as uploading it does. */
  async addCertificate(pem: string): Promise<void> {
    await this.call("POST", "/app/certificates", { certificate_pem: pem });
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const url = `${farm().origin}/control/tenants/${this.tenant.tenant_id}${path}`;
    const answer = await this.request.fetch(url, {
      method,
      ...(body === undefined ? {} : { data: body }),
    });
    const text = await answer.text();
    if (!answer.ok()) {
      throw new Error(`${method} ${url}: ${answer.status()} ${text}`);
    }
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}
