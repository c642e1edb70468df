// The OpenID provider of the browser tests: oidc-provider, a certified one. It plays "Contoso", where
// whoever gives a name is that person. Started by xtask; says on one line of JSON where it is.
//   node provider.mjs REDIRECT_URI
import { generateKeyPairSync, randomBytes } from "node:crypto";
import http from "node:http";

import { Provider } from "oidc-provider";

const [redirectUri] = process.argv.slice(2);
const client = { client_id: "rollcall", client_secret: randomBytes(32).toString("base64url") };
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        ...client,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    pkce: { required: () => true },
    // Claims stand in the ID token, where Rollcall reads them.
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: `${id}@contoso.example`,
        email: `${id}@end2end.example`,
        email_verified: true,
      }),
    }),
    features: { devInteractions: { enabled: true } },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 300, IdToken: 300 },
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer, ...client }));
});
