// A mail server that somebody else wrote, as a company would run one: nothing is taken in the clear,
// nor from who doesn't sign in. And a server of the product that sends by it.
import { execFile } from "node:child_process";
import fs from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "@playwright/test";
import { simpleParser, type ParsedMail } from "mailparser";
import { SMTPServer } from "smtp-server";

import { OwnServer, type Owner } from "./server";

const LOGIN = { username: "rollcall", password: "mail password of the tests" };

/** What the mail server took. */
export interface Mail {
  to: string;
  /** Whether it came encrypted, by somebody who signed in. */
  safely: boolean;
  parsed: ParsedMail;
}

/** A key and a certificate for two days, by OpenSSL; signed by itself unless told otherwise. */
async function makeCertificate(name: string, key: string, certificate: string, more: string[]): Promise<void> {
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", key, "-out", certificate, ...more],
  ]);
}

/** A mail server with STARTTLS and a sign-in, and with a certificate of an authority of its own. */
export class MailServer {
  readonly mails: Mail[] = [];
  /** Addresses that the server knows nobody of. */
  readonly unknown = new Set<string>();

  private constructor(
    readonly port: number,
    /** The certificate of who signed the mail server's. */
    readonly authority: string,
    /** What went wrong with who connected. */
    readonly complaints: readonly string[],
    private readonly server: SMTPServer,
  ) {}

  static async start(folder: string): Promise<MailServer> {
    const [key, certificate] = [path.join(folder, "mail.key"), path.join(folder, "mail.pem")];
    const [authorityKey, authority] = [path.join(folder, "authority.key"), path.join(folder, "authority.pem")];
    await makeCertificate("Authority of the tests", authorityKey, authority, ["-addext", "keyUsage=critical,keyCertSign"]);
    await makeCertificate("localhost", key, certificate, [
      ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-CA", authority, "-CAkey", authorityKey],
    ]);
    const ref: { server?: MailServer } = {};
    const smtp = new SMTPServer({
      key: fs.readFileSync(key),
      cert: fs.readFileSync(certificate),
      authMethods: ["PLAIN", "LOGIN"],
      onAuth(auth, _session, done) {
        const good = auth.username === LOGIN.username && auth.password === LOGIN.password;
        done(good ? null : new Error("no such account"), { user: auth.username });
      },
      onRcptTo(address, _session, done) {
        done(ref.server?.unknown.has(address.address) ? Object.assign(new Error("No such user here"), { responseCode: 550 }) : null);
      },
      onData(stream, session, done) {
        const to = session.envelope.rcptTo.map((rcpt) => rcpt.address).join(", ");
        const safely = session.secure && session.user === LOGIN.username;
        simpleParser(stream).then((parsed) => {
          ref.server?.mails.push({ to, safely, parsed });
          done();
        }, done);
      },
    });
    const complaints: string[] = [];
    smtp.on("error", (error) => complaints.push(error.message));
    await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
    const { port } = smtp.server.address() as AddressInfo;
    ref.server = new MailServer(port, authority, complaints, smtp);
    return ref.server;
  }

  /** The last mail to somebody, once there are so many. */
  async last(to: string, many = 1): Promise<Mail> {
    const theirs = () => this.mails.filter((mail) => mail.to === to);
    await expect
      .poll(() => theirs().length, { message: `mails to ${to} (${this.complaints.join(", ") || "no complaints"})`, timeout: 20_000 })
      .toBe(many);
    return theirs()[many - 1]!;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** The address of this page that a mail leads to; text and HTML lead to the same. */
export function linkIn(mail: Mail, page = "activate"): string {
  const [link] = mail.parsed.text?.match(new RegExp(`https?://\\S+/${page}\\?secret=\\S+`)) ?? [];
  expect(link, mail.parsed.text).toBeTruthy();
  expect(mail.parsed.html).toContain(`href="${link}"`);
  return link!;
}

/** A server of the product with a database of its own, which sends by a mail server. */
export class MailingServer {
  private constructor(
    readonly mail: MailServer,
    private readonly server: OwnServer,
  ) {}

  get url(): string {
    return this.server.url;
  }

  /** A token of an administrator of all customers. */
  get token(): string {
    return this.server.token;
  }

  static async start(owner: Owner): Promise<MailingServer> {
    const ref: { mail?: MailServer } = {};
    const server = await OwnServer.start(owner, async (_url, folder) => {
      const mail = (ref.mail = await MailServer.start(folder));
      return {
        ROLLCALL_SMTP_HOST: "localhost",
        ROLLCALL_SMTP_PORT: String(mail.port),
        ROLLCALL_SMTP_USERNAME: LOGIN.username,
        ROLLCALL_SMTP_PASSWORD: LOGIN.password,
        ROLLCALL_SMTP_FROM: "Rollcall <rollcall@example.com>",
        // Whom the server trusts: nobody but the mail server.
        SSL_CERT_FILE: mail.authority,
      };
    });
    return new MailingServer(ref.mail!, server);
  }

  /** Changes rows of its database behind its back, for what would take days otherwise. */
  async sql(statement: string): Promise<void> {
    await this.server.sql(statement);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.mail.stop();
  }
}
