// The OpenID providers of the browser tests: oidc-provider, a certified one, where whoever gives a name
// is that person. It can't lie itself, so a thin layer around it changes what it answers, where a test
// says so. Started by xtask and by tests.
//   node provider.mjs PUBLIC_URL PROVIDER...
// PUBLIC_URL is Rollcall's. Says on one line of JSON what Rollcall's configuration says of the providers,
// and the address by which a test sets what is said of one account:
//   PUT CONTROL/PROVIDER/NAME  claims: what the account has at the provider, beside a name and an address
//                              forged: claims put into the ID token in place of others; null leaves one out
//                              alg:    how the ID token is signed: "none", or "HS256" with the client secret
//                              token:  an ID token given out in place of the right one
//                              hold:   true shows the answer's address, and doesn't lead there
//   GET CONTROL/PROVIDER/NAME  the ID tokens that were given out for the account, the oldest first
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import http from "node:http";

import { Provider } from "oidc-provider";

const [publicUrl, ...ids] = process.argv.slice(2);

/** What Rollcall's configuration says of each beside address, client and secret. */
const PROVIDERS = {
  contoso: { title: "Contoso" },
  fabrikam: {
    title: "Fabrikam",
    role_claim: "groups",
    role_mapping: { chiefs: "administrator", staff: "read_only" },
  },
  // As Entra ID answers for many tenants, of which two may sign in.
  woodgrove: {
    title: "Woodgrove",
    kind: "entra",
    tenant_ids: ["0a1b2c3d-0000-4000-8000-00000000000a", "0a1b2c3d-0000-4000-8000-00000000000b"],
    role_mapping: { "Rollcall.Administrator": "administrator", "Rollcall.HelpDesk": "help_desk" },
  },
  // As Entra ID answers for one tenant.
  tailspin: {
    title: "Tailspin",
    kind: "entra",
    role_claim: "groups",
    role_mapping: { "5f0e6c52-0000-4000-8000-000000000001": "user_manager" },
  },
};
const TAILSPIN_TENANT = "0a1b2c3d-0000-4000-8000-00000000000c";
const PATHS = { woodgrove: "/organizations/v2.0", tailspin: `/${TAILSPIN_TENANT}/v2.0` };
const KEY_ID = "k1";
/** What tests set, and what was given out: by provider, then by account. */
const said = Object.fromEntries(ids.map((id) => [id, new Map()]));
const given = Object.fromEntries(ids.map((id) => [id, new Map()]));

async function listen(answer) {
  const server = http.createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An ID token with these claims. */
function token(claims, alg, privateKey, secret) {
  const text = `${part({ alg, kid: KEY_ID, typ: "JWT" })}.${part(claims)}`;
  const signatures = {
    RS256: () => sign("sha256", Buffer.from(text), privateKey),
    HS256: () => createHmac("sha256", secret).update(text).digest(),
    none: () => Buffer.alloc(0),
  };
  return `${text}.${signatures[alg]().toString("base64url")}`;
}

/** Puts an issuer around the oidc-provider of one address, as Entra ID has one for each tenant. */
function asEntra(context, origin, path) {
  const template = `${origin}/{tenantid}/v2.0`;
  if (context.oidc.route === "discovery") {
    const { authorization_response_iss_parameter_supported: _, ...document } = context.body;
    context.body = { ...document, issuer: path === PATHS.woodgrove ? template : origin + path };
  }
  if (context.oidc.route === "jwks") {
    context.body = { keys: context.body.keys.map((key) => ({ ...key, issuer: template })) };
  }
}

/** Changes the ID token of an answer as the test wishes; keeps what is given out. */
function changeToken(context, { id, origin, entra, privateKey, secret }) {
  const account = context.oidc.entities.Account.accountId;
  const wish = said[id].get(account) ?? {};
  const right = context.body.id_token;
  let claims = JSON.parse(Buffer.from(right.split(".")[1], "base64url"));
  if (entra && claims.tid) {
    claims.iss = `${origin}/${claims.tid}/v2.0`;
  }
  claims = { ...claims, ...wish.forged };
  claims = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
  const isRight = !entra && !wish.forged && !wish.alg;
  const made = isRight ? right : token(claims, wish.alg ?? "RS256", privateKey, secret);
  context.body.id_token = wish.token ?? made;
  given[id].set(account, [...(given[id].get(account) ?? []), context.body.id_token]);
}

/** Changes what leads back to Rollcall. */
function changeAnswer(context, { id, entra, redirectUri }) {
  const location = context.response.get("location");
  if (!location?.startsWith(redirectUri)) {
    return;
  }
  const answer = new URL(location);
  if (entra) {
    answer.searchParams.delete("iss");
  }
  context.set("location", answer.href);
  if (said[id].get(context.oidc.session?.accountId)?.hold) {
    context.remove("location");
    context.status = 200;
    context.type = "text/plain";
    context.body = answer.href;
  }
}

async function start(id) {
  const path = PATHS[id] ?? "";
  const entra = PROVIDERS[id].kind === "entra";
  const client = { client_id: "rollcall", client_secret: randomBytes(32).toString("base64url") };
  const redirectUri = `${publicUrl}/sign-in/oidc/${id}/callback`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { server, origin } = await listen();
  const name = (cookie) => `${id}_${cookie}`;
  const provider = new Provider(origin + path, {
    clients: [
      {
        ...client,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" }] },
    cookies: {
      keys: [randomBytes(32).toString("base64url")],
      // Browsers don't tell ports apart.
      names: { session: name("session"), interaction: name("interaction"), resume: name("resume") },
    },
    pkce: { required: () => true },
    // Claims stand in the ID token, where Rollcall reads them.
    conformIdTokenClaims: false,
    claims: {
      openid: ["sub"],
      profile: ["preferred_username", "tid", "oid", "roles", "groups", "hasgroups"],
      email: ["email", "email_verified"],
    },
    findAccount: (_context, account) => ({
      accountId: account,
      claims: () => ({
        sub: account,
        preferred_username: `${account}@${id}.example`,
        email: `${account}@end2end.example`,
        email_verified: true,
        ...said[id].get(account)?.claims,
      }),
    }),
    features: { devInteractions: { enabled: true } },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 300, IdToken: 300 },
  });
  const about = { id, origin, entra, redirectUri, privateKey, secret: client.client_secret };
  provider.use(async (context, next) => {
    await next();
    if (entra && context.oidc) {
      asEntra(context, origin, path);
    }
    if (context.oidc?.route === "token" && context.body?.id_token) {
      changeToken(context, about);
    } else if (context.oidc) {
      changeAnswer(context, about);
    }
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    // oidc-provider has no list of accounts to choose from: it asks who it is.
    request.originalUrl = request.url.replace("prompt=select_account", "prompt=login");
    request.url = request.originalUrl.replace(path, "");
    answer(request, response);
  });
  return { id, issuer: origin + path, ...client, ...PROVIDERS[id] };
}

async function control(request, response) {
  const [id, account] = new URL(request.url, "http://localhost").pathname.slice(1).split("/");
  if (request.method === "GET") {
    response.end(JSON.stringify(given[id].get(account) ?? []));
    return;
  }
  const pieces = await request.toArray();
  said[id].set(account, JSON.parse(Buffer.concat(pieces)));
  response.statusCode = 204;
  response.end();
}

const providers = await Promise.all(ids.map(start));
const { origin } = await listen(control);
console.log(JSON.stringify({ providers, control: origin }));
