// Are the providers what identity.mjs takes them for? A sign-in that fails for a lie is worth something only if the same sign-in without
// it succeeds. providers.sh has the options.
import { spawnSync } from "node:child_process";
import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { ACCOUNTS, OpenIdProvider, cancel, lies, signIn } from "./oidc.mjs";
import { doing, done, expect, options, step } from "./steps.mjs";

const given = options("modules", "ldap?", "ldaps?", "ca?");

// ---- OpenID

const callback = "http://127.0.0.1:9/callback";
const [clientId, clientSecret] = ["appdepot", "of a test: +%&=/"];
const provider = await OpenIdProvider.start({ modules: given.modules, clientId, clientSecret, callback });
const found = await step("the OpenID provider is found", async () => {
    doing(`GET ${provider.issuer}/.well-known/openid-configuration`);
    const answer = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
    return expect(answer, { issuer: provider.issuer, authorization_endpoint: /^http/, token_endpoint: /^http/, jwks_uri: /^http/, code_challenge_methods_supported: ["S256"] });
});

// A client's request: the address that it sends the browser to, with what it keeps.
function begin(changes = {}) {
    const [verifier, state, nonce] = [randomBytes(32).toString("base64url"), randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
    const code_challenge = createHash("sha256").update(verifier).digest("base64url");
    const query = {
        client_id: clientId, redirect_uri: callback, response_type: "code", scope: "openid email profile", state, nonce,
        code_challenge, code_challenge_method: "S256", ...changes,
    };
    const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined));
    return { address: `${found.authorization_endpoint}?${search}`, verifier, state, nonce };
}

// Takes a callback's code to the provider, and checks the id token as a client has to.
async function redeem(begun, address) {
    const query = new URL(address).searchParams;
    expect(query.get("state"), begun.state);
    const credentials = [clientId, clientSecret].map(part => encodeURIComponent(part)).join(":");
    const response = await fetch(found.token_endpoint, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "authorization_code", code: query.get("code"), redirect_uri: callback, code_verifier: begun.verifier }),
    });
    const answer = expect(await response.json(), { id_token: /^[^.]+\.[^.]+\.[^.]*$/, access_token: /./ });
    const [header, payload, signature] = answer.id_token.split(".");
    const { keys } = await (await fetch(found.jwks_uri)).json();
    const { alg, kid } = JSON.parse(Buffer.from(header, "base64url"));
    const claims = JSON.parse(Buffer.from(payload, "base64url"));
    const key = createPublicKey({ key: keys.find(one => one.kid === kid), format: "jwk" });
    return {
        claims,
        signed: alg === "RS256" && verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")),
        current: claims.exp > Date.now() / 1000,
        ours: claims.aud === clientId && claims.iss === provider.issuer && claims.nonce === begun.nonce,
    };
}

for (const [login, { sub, email, email_verified }] of Object.entries(ACCOUNTS)) {
    await step(`${login} signs in, and the code becomes an id token`, async () => {
        const begun = begin();
        const ended = expect(await signIn(begun.address, login), { callback: /^http.*code=/ });
        expect(await redeem(begun, ended.callback), { claims: { sub, email, email_verified }, signed: true, current: true, ours: true });
    });
}
await step("a wrong password and an unknown user stay at the provider", async () => {
    for (const login of ["alice", "nobody"]) expect(await signIn(begin().address, login, "wrong"), { callback: undefined, status: 401, page: /wrong password/ });
});
await step("cancelling comes back with access_denied", async () => {
    const begun = begin();
    const ended = await cancel(begun.address);
    expect(Object.fromEntries(new URL(ended.callback).searchParams), { error: "access_denied", state: begun.state, code: undefined });
});
await step("a request without PKCE, and one for another redirect URI, are refused", async () => {
    const ended = await signIn(begin({ code_challenge: undefined, code_challenge_method: undefined }).address, "alice");
    expect(new URL(ended.callback).searchParams.get("error"), "invalid_request");
    expect(await signIn(begin({ redirect_uri: "http://127.0.0.1:9/elsewhere" }).address, "alice"), { status: 400, page: /invalid_redirect_uri/ });
});
for (const lie of lies) {
    await step(`an id token that is ${lie}: only that is wrong with it`, async () => {
        const begun = begin();
        const ended = await signIn(begun.address, "alice");
        provider.lie = lie;
        const { signed, current, ours } = await redeem(begun, ended.callback);
        provider.lie = undefined;
        expect({ signed, current, ours }, { signed: lie !== "forged" && lie !== "unsigned", current: lie !== "expired", ours: !lie.includes("another") });
    });
}
await step("the provider falls silent, and stops", async () => {
    provider.silent = true;
    const answer = await fetch(provider.issuer, { signal: AbortSignal.timeout(200) }).catch(error => error.name);
    expect(answer, "TimeoutError");
    await provider.stop();
    expect(await fetch(provider.issuer).catch(error => error.cause.code), /^(ECONNREFUSED|UND_ERR_SOCKET)$/);
});

// ---- LDAP

if (given.ldap) {
    const people = "ou=people,dc=example,dc=com";
    const whoami = (url, name, password, ca = given.ca) => {
        const startTls = url.startsWith("ldap:") ? ["-ZZ"] : [];
        const args = ["-x", "-H", url, ...startTls, "-D", `${name},${people}`, "-w", password];
        doing(`ldapwhoami ${args.join(" ")}`);
        const ran = spawnSync("ldapwhoami", args, { encoding: "utf8", env: { ...process.env, LDAPTLS_CACERT: ca, LDAPTLS_REQCERT: "demand" } });
        return { code: ran.status, out: ran.stdout?.trim(), err: ran.stderr };
    };
    for (const [way, url] of [["StartTLS", given.ldap], ["ldaps", given.ldaps]]) {
        await step(`slapd by ${way}: right and wrong passwords, an unknown user, another CA`, () => {
            expect(whoami(url, "cn=carol", "singing"), { code: 0, out: `dn:cn=carol,${people}` });
            expect(whoami(url, "uid=dave", "painting"), { code: 0, out: `dn:uid=dave,${people}` });
            expect(whoami(url, "cn=Jones\\, Eve", "acting"), { code: 0, out: /Eve/ });
            expect(whoami(url, "cn=fred,ou=former", "leaving"), { code: 0, out: /fred/ });
            expect(whoami(url, "cn=carol", "wrong"), { code: 49, err: /Invalid credentials/ });
            expect(whoami(url, "cn=nobody", "singing"), { code: 49, err: /Invalid credentials/ });
            expect(whoami(url, "cn=carol", "singing", "/dev/null"), code => code.code !== 0 && /Can't contact|Connect error/.test(code.err));
        });
    }
    await step("slapd takes a name with an empty password for nobody, as Active Directory does", () => {
        expect(whoami(given.ldaps, "cn=carol", ""), { code: 0, out: "anonymous" });
    });
    await step("slapd takes no password without TLS", () => {
        const args = ["-x", "-H", given.ldap, "-D", `cn=carol,${people}`, "-w", "singing"];
        doing(`ldapwhoami ${args.join(" ")}`);
        const ran = spawnSync("ldapwhoami", args, { encoding: "utf8" });
        expect({ code: ran.status, err: ran.stderr }, { code: 13, err: /Confidentiality required/ });
    });
}

done();
