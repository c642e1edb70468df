// The product's REST API, for making what a test is not about.
import { expect, type APIRequestContext } from "@playwright/test";

import type { Tenant } from "./simulator";

export interface Customer {
  id: string;
  name: string;
}

export interface Profile {
  id: string;
  name: string;
}

export interface Integration {
  id: string;
  customer_id: string;
  name: string;
  tenant: string;
  full_scan_next: boolean;
  enabled: boolean;
  policy: { selected_group_ids: string[] };
}

export interface Run {
  id: string;
  integration_id: string;
  mode: string;
  trigger: string;
  status: string;
}

/** A page of a list, and where the next begins. */
interface Listed<T> {
  items: T[];
  next: string | null;
}

const OPEN = ["queued", "running"];

/** Of a new integration: everything that can be read is read. */
export const EVERY_TYPE = { policy: { object_types: ["user", "group", "contact", "device"] } };

/** A caller with a token for all customers. */
export class Api {
  constructor(private readonly request: APIRequestContext) {}

  async get<T>(path: string): Promise<T> {
    return this.call<T>("GET", path);
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call<T>("POST", path, body);
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>("PATCH", path, body);
  }

  async put<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>("PUT", path, body);
  }

  async delete(path: string): Promise<void> {
    await this.call<undefined>("DELETE", path);
  }

  /** Sends a file of people. */
  async upload<T>(path: string, csv: string): Promise<T> {
    return this.call("POST", path, csv, { "content-type": "text/csv" });
  }

  async customer(name: string): Promise<Customer> {
    return this.post("/customers", { name });
  }

  /** A profile with the tenant's own secret, or with `secret`. */
  async profile(
    customer: Customer | null,
    tenant: Tenant,
    name: string,
    secret = tenant.client_secret,
  ): Promise<Profile> {
    return this.post("/credential-profiles", {
      name,
      kind: "client_secret",
      client_id: tenant.client_id,
      client_secret: secret,
      expires_at: "2099-12-31T00:00:00Z",
      customer_id: customer?.id,
    });
  }

  async integration(
    customer: Customer,
    tenant: Tenant,
    profile: Profile,
    more: object = {},
  ): Promise<Integration> {
    return this.post(`/customers/${customer.id}/integrations`, {
      kind: "entra_id",
      tenant: tenant.domain,
      cloud: "sim",
      credential_profile_id: profile.id,
      enabled: true,
      ...more,
    });
  }

  /** A profile and an integration for the tenant; nothing has run. */
  async connected(customer: Customer, tenant: Tenant, more: object = {}): Promise<Integration> {
    const profile = await this.profile(customer, tenant, `${tenant.display_name} sync`);
    return this.integration(customer, tenant, profile, more);
  }

  /** Connected, tested and synced once, so that users and groups are there. */
  async synced(customer: Customer, tenant: Tenant, more: object = {}): Promise<Integration> {
    const integration = await this.connected(customer, tenant, more);
    await this.post(`/integrations/${integration.id}/test-connection`);
    await this.run(integration);
    return this.get(`/integrations/${integration.id}`);
  }

  /** Starts a run, once a preview or a run of the schedule that is at work has ended. */
  async start(integration: Integration, mode = "full"): Promise<Run> {
    let started: Run | undefined;
    const start = async () => {
      try {
        started = await this.post<Run>(`/integrations/${integration.id}/runs`, { mode });
      } catch (error) {
        if (!String(error).includes("is in progress")) {
          throw error;
        }
      }
      return started !== undefined;
    };
    await expect.poll(start, { message: `a ${mode} run begins`, timeout: 45_000, intervals: [100, 200, 400] }).toBe(true);
    return started!;
  }

  /** A run from start to end. */
  async run(integration: Integration, mode = "full", ends = ["succeeded", "nothing_to_do"]): Promise<Run> {
    const run = await this.ended(await this.start(integration, mode));
    expect(ends, JSON.stringify(run)).toContain(run.status);
    return run;
  }

  /** The run once no worker has it any more. */
  async ended(run: Run): Promise<Run> {
    let last = run;
    await expect
      .poll(
        async () => {
          last = await this.get<Run>(`/runs/${run.id}`);
          return OPEN.includes(last.status);
        },
        { message: `run ${run.id} ends`, timeout: 45_000, intervals: [100, 200, 400] },
      )
      .toBe(false);
    return last;
  }

  /** Everything of a list, page after page. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor = "";
    for (;;) {
      const sign = path.includes("?") ? "&" : "?";
      const page = await this.get<Listed<T>>(`${path}${sign}limit=1000${cursor}`);
      items.push(...page.items);
      if (page.next === null) {
        return items;
      }
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
  }

  private async call<T>(method: string, path: string, body?: unknown, headers = {}): Promise<T> {
    const answer = await this.request.fetch(`/api/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { data: body }),
    });
    const text = await answer.text();
    if (!answer.ok()) {
      throw new Error(`${method} /api/v1${path}: ${answer.status()} ${text}`);
    }
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}
