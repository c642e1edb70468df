// A server of the product beside the one that all tests share: with a database and settings of its own.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "@playwright/test";

export interface Owner {
  email: string;
  name: string;
  password: string;
}

export class OwnServer {
  private constructor(
    readonly url: string,
    /** A token of an administrator of all customers. */
    readonly token: string,
    /** Where its database is; gone when it stops. */
    readonly folder: string,
    private readonly server: ChildProcess,
  ) {}

  /** A server with this owner; `settings` answers what its environment has beside the usual. */
  static async start(
    owner: Owner,
    settings: (url: string, folder: string) => Promise<Record<string, string>>,
  ): Promise<OwnServer> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rollcall-own-"));
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const { ROLLCALL_DATABASE_URL: _, ...inherited } = process.env;
    const env = {
      ...inherited,
      ROLLCALL_DATA_DIR: path.join(folder, "data"),
      ROLLCALL_LISTEN: `127.0.0.1:${port}`,
      ROLLCALL_PUBLIC_URL: url,
      ...(await settings(url, folder)),
    };
    const program = process.env.E2E_ROLLCALL!;
    const run = (arguments_: string[], input = "") => {
      const running = promisify(execFile)(program, arguments_, { env });
      running.child.stdin?.end(input);
      return running;
    };
    const { email, name, password } = owner;
    await run(["operator", "add", "--email", email, "--name", name, "--role", "owner", "--password-stdin"], password);
    const token = await run(["token", "create", "--name", "end2end", "--role", "administrator"]);
    const server = spawn(program, ["serve"], { env, stdio: "ignore" });
    await expect(async () => expect((await fetch(`${url}/readyz`)).ok).toBe(true)).toPass({ timeout: 20_000 });
    return new OwnServer(url, token.stdout.trim(), folder, server);
  }

  /** Changes rows of its database behind its back, for what would take days otherwise. */
  async sql(statement: string): Promise<void> {
    const program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])";
    await promisify(execFile)("python3", ["-c", program, path.join(this.folder, "data", "rollcall.db"), statement]);
  }

  async stop(): Promise<void> {
    await ended(this.server);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends a program and waits until it is gone. */
export async function ended(program: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => program.once("exit", resolve));
  program.kill("SIGTERM");
  await gone;
}

export async function freePort(): Promise<number> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return port;
}
