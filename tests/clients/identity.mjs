// Signs in through real identity providers (oidc.mjs, slapd) as an app's user does, by plain HTTP, against a server on fresh data that may
// reach private addresses. run.sh has the options.
import { readFileSync } from "node:fs";
import { createServer as httpServer } from "node:http";
import { createServer as tcpServer } from "node:net";
import { OpenIdProvider, cancel, lies, signIn } from "./oidc.mjs";
import { ADMIN, ADMIN_API, Api, GUID, containing, doing, done, expect, options, step, without } from "./steps.mjs";

const given = options("url", "password", "modules", "ldap?", "ldaps?", "ca?", "slapd?");
const { url } = given;
const CALLBACK = `${url}/box/srv/1.1/arm/authCallback`;
const APP = "https://app.example.com/done";
const TOKEN = /^.{24,}$/;

const admin = new Api(url);
const nobody = new Api(url);
const administer = (operation, body, expected, status) => admin.post(`${ADMIN_API}/${operation}`, body, expected, status);
await admin.login(ADMIN, given.password);
const store = await administer("appstore/read", {}, { guid: GUID });

async function policy(policyId, policyType, configurations, checks = {}) {
    const made = await administer("authpolicy/create", { policyId, policyType, configurations, ...checks }, { status: "ok", guid: GUID });
    await administer("appstore/addpolicy", { guid: made.guid });
    return made.guid;
}

// `$fh.auth` from a phone. `body` adds to the request or changes it.
function auth(policyId, body, expected, status = 200) {
    const request = { policyId, clientToken: store.guid, device: "E7F62D22426F4F95983DACF19986E840", params: {}, ...body };
    return nobody.post(`${ADMIN_API}/authpolicy/auth`, request, expected, status);
}
const session = (operation, sessionToken, expected) => nobody.post(`${ADMIN_API}/authpolicy/${operation}`, { sessionToken }, expected);
const opens = sessionToken => nobody.post(`/box/srv/1.1/mas/appstore/getstoreitems?fh_auth_session=${encodeURIComponent(sessionToken)}`, {}, { status: "ok", list: [], storeitems: [] });

const SIGNED_IN = { status: "ok", sessionToken: TOKEN, userId: /./ };
const REFUSED = { status: "error", message: "User login failed", sessionToken: undefined };
// A provider that does not answer is no wrong password, and nobody waits long to hear it.
const DOWN = { status: "error", message: text => text.length > 0 && text !== REFUSED.message, sessionToken: undefined, url: undefined };
const whatever = () => true;
async function soon(run) {
    const start = performance.now();
    await run();
    expect(`${Math.round(performance.now() - start)} ms`, text => parseInt(text) < 5_000);
}

async function listening(server) {
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
    return server.address().port;
}
// Takes connections, keeps what it hears, and says nothing.
const heard = [];
const deaf = tcpServer(socket => socket.on("data", data => heard.push(data)).on("error", () => {}));
const deafPort = await listening(deaf);
const closed = tcpServer();
const closedPort = await listening(closed);
await new Promise(resolve => closed.close(resolve));

// ---- LDAP

if (given.ldap) {
    const people = { authmethod: "simple", dn: "ou=people,dc=example,dc=com", dn_prefix: "cn", caCertificate: readFileSync(given.ca, "utf8") };
    const ldap = (policyId, userId, password, expected, status) => auth(policyId, { params: { userId, password } }, expected, status);

    for (const [way, address] of [["StartTLS", given.ldap], ["ldaps", given.ldaps]]) {
        await step(`LDAP over ${way}: a person of the directory signs in, and the session opens the store`, async () => {
            await policy(way, "LDAP", { ...people, url: address });
            await administer("authpolicy/read", { policyId: way }, { policyType: "LDAP", configurations: { url: address, dn: people.dn, dn_prefix: "cn" } });
            const { sessionToken } = await ldap(way, "carol", "singing", SIGNED_IN);
            await session("verifysession", sessionToken, { isValid: true });
            await opens(sessionToken);
        });
        await step(`LDAP over ${way}: a wrong password and an unknown user are refused alike`, async () => {
            await ldap(way, "carol", "wrong", REFUSED);
            await ldap(way, "nobody", "singing", REFUSED);
            await ldap(way, "dave", "painting", REFUSED);
        });
        await step(`LDAP over ${way}: an empty password signs nobody in, though the directory says yes to it`, async () => {
            for (const password of ["", undefined, null]) await ldap(way, "Jones, Eve", password, REFUSED);
        });
        await step(`LDAP over ${way}: a name is a name, whatever is in it`, async () => {
            for (const name of ["*", "carol)(uid=*", "carol,ou=people", "carol,ou=people,dc=example,dc=com", "carol+sn=Singer", "cn=carol", "carol\\", "carol\u0000", "carol#"]) {
                await ldap(way, name, "singing", REFUSED);
            }
            // He is further down, where this policy does not look: taken as it is, his name leads there.
            await ldap(way, "fred,ou=former", "leaving", REFUSED);
            await ldap(way, "Jones, Eve", "acting", SIGNED_IN);
        });
    }
    await step("LDAP with another dn_prefix", async () => {
        await policy("by-uid", "LDAP", { ...people, url: given.ldaps, dn_prefix: "uid" });
        await ldap("by-uid", "dave", "painting", SIGNED_IN);
        await ldap("by-uid", "carol", "singing", REFUSED);
    });
    await step("LDAP: a certificate of a CA that the policy does not name is not trusted", async () => {
        const { caCertificate, ...unnamed } = people;
        for (const [policyId, address] of [["public-starttls", given.ldap], ["public-ldaps", given.ldaps]]) {
            await policy(policyId, "LDAP", { ...unnamed, url: address });
            await soon(() => ldap(policyId, "carol", "singing", DOWN, whatever));
        }
    });
    await step("LDAP: no password is sent in clear, not even to a server that does not speak TLS", async () => {
        for (const scheme of ["ldap", "ldaps"]) {
            await policy(`deaf-${scheme}`, "LDAP", { ...people, url: `${scheme}://127.0.0.1:${deafPort}` });
            await soon(() => ldap(`deaf-${scheme}`, "carol", "singing", DOWN, 503));
        }
        expect(Buffer.concat(heard), bytes => bytes.length > 0 && !bytes.includes("singing"));
    });
    await step("LDAP: with checkUserExists, who is no user of the platform is not found", async () => {
        await policy("existing", "LDAP", { ...people, url: given.ldaps }, { checkUserExists: true });
        await ldap("existing", "carol", "singing", { status: "error", message: "user_not_found", sessionToken: undefined });
        await ldap("existing", "carol", "wrong", REFUSED);
    });
    await step("LDAP: a directory that hangs, and comes back", async () => {
        process.kill(Number(given.slapd), "SIGSTOP");
        for (const way of ["StartTLS", "ldaps"]) await soon(() => ldap(way, "carol", "singing", DOWN, 503));
        process.kill(Number(given.slapd), "SIGCONT");
        for (const way of ["StartTLS", "ldaps"]) await ldap(way, "carol", "singing", SIGNED_IN);
    });
    await step("LDAP: a directory that is down", async () => {
        process.kill(Number(given.slapd), "SIGTERM");
        const gone = () => fetch(given.ldap.replace("ldap:", "http:")).then(() => false, error => error.cause?.code === "ECONNREFUSED");
        for (const end = Date.now() + 5_000; !(await gone()) && Date.now() < end; ) await new Promise(resolve => setTimeout(resolve, 50));
        for (const way of ["StartTLS", "ldaps"]) await soon(() => ldap(way, "carol", "singing", DOWN, 503));
    });
}

// ---- OpenID

const client = { clientId: "appdepot", clientSecret: "s3cret:+%/&=" };
const provider = await OpenIdProvider.start({ modules: given.modules, ...client, callback: CALLBACK });
const openid = { provider: "OPENID", issuer: provider.issuer, ...client };
const guids = {
    open: await policy("open", "OPENID", { ...openid, redirectUrls: [APP] }),
    existing: await policy("openid-existing", "OPENID", openid, { checkUserExists: true }),
    approved: await policy("openid-approved", "OPENID", openid, { checkUserApproved: true }),
};

// The address at the provider.
async function begin(policyId = "open", body = {}) {
    const { url: address } = await auth(policyId, body, { status: "ok", url: text => text.startsWith(`${provider.issuer}/`), sessionToken: undefined });
    return address;
}

// Comes back from the provider: where Appdepot sends the browser, and with what.
async function comeBack(address) {
    doing(`GET ${address}`);
    const response = await fetch(address, { redirect: "manual" });
    const text = await response.text();
    expect({ status: response.status, location: response.headers.get("location"), text }, { status: 302, location: /./ });
    const location = new URL(response.headers.get("location"), address);
    return { to: location.origin + location.pathname, href: location.href, ...Object.fromEntries(location.searchParams) };
}
const COMPLETE = { to: CALLBACK, status: "complete", result: "success", fh_auth_session: TOKEN, authResponse: /^\{/ };
const FAILED = { to: CALLBACK, result: "failure", fh_auth_session: undefined, authResponse: undefined };

// A whole sign-in.
async function through(login, policyId, expected = COMPLETE, body = {}) {
    const { callback } = await signIn(await begin(policyId, body), login);
    const answer = await comeBack(callback);
    return expect(answer, expected);
}

await step("OpenID: $fh.auth answers the provider's address, with PKCE, state and nonce", async () => {
    const address = new URL(await begin());
    expect(Object.fromEntries(address.searchParams), {
        client_id: "appdepot", redirect_uri: CALLBACK, response_type: "code", code_challenge: /^[\w-]{43}$/, code_challenge_method: "S256",
        state: /^.{20,}$/, nonce: /^.{20,}$/, scope: text => text.split(" ").includes("openid") && text.split(" ").includes("email"),
    });
    expect(address.href, text => !text.includes(encodeURIComponent(client.clientSecret)));
    const other = new URL(await begin()).searchParams;
    for (const name of ["state", "nonce", "code_challenge"]) expect(other.get(name), value => value !== address.searchParams.get(name));
});
const alice = await step("OpenID: alice comes back with a session, which opens the store", async () => {
    const answer = await through("alice", "open");
    expect(JSON.parse(answer.authResponse), value => value !== null && typeof value === "object");
    await session("verifysession", answer.fh_auth_session, { isValid: true });
    await opens(answer.fh_auth_session);
    // The page that the app's browser waits for.
    doing(`GET ${answer.href}`);
    expect((await fetch(answer.href, { redirect: "manual" })).status, 200);
    await opens(answer.fh_auth_session);
    return answer.fh_auth_session;
});
await step("OpenID: with an endRedirectUrl that the policy allows, she comes back to the app", async () => {
    await through("alice", "open", { ...COMPLETE, to: APP }, { endRedirectUrl: APP });
    const denied = await cancel(await begin("open", { endRedirectUrl: APP }));
    expect(await comeBack(denied.callback), { ...FAILED, to: APP });
});
await step("OpenID: an endRedirectUrl of somebody else is refused", async () => {
    const foreign = [
        "https://elsewhere.example.net/done", "https://app.example.com.example.net/done", "https://app.example.com@example.net/done", "http://app.example.com/done",
        "https://app.example.com:8443/done", "//elsewhere.example.net/done", "javascript:alert(1)", "https://app.example.com\\@example.net/done",
    ];
    for (const endRedirectUrl of foreign) {
        await auth("open", { endRedirectUrl }, { status: "error", message: /^invalid_endRedirectUrl/, url: undefined }, whatever);
    }
    await auth("openid-existing", { endRedirectUrl: APP }, { status: "error", message: /^invalid_endRedirectUrl/ }, whatever);
});
await step("OpenID: the same callback a second time is a failure, and the session of the first stays", async () => {
    const { callback } = await signIn(await begin(), "alice");
    const { fh_auth_session } = expect(await comeBack(callback), COMPLETE);
    expect(await comeBack(callback), FAILED);
    await opens(fh_auth_session);
});
await step("OpenID: a sign-in that is done cannot be done again with a new code of the provider", async () => {
    const address = await begin();
    const [first, second] = [await signIn(address, "alice"), await signIn(address, "alice")];
    expect(new URL(second.callback).searchParams.get("code"), code => code !== new URL(first.callback).searchParams.get("code"));
    expect(await comeBack(first.callback), COMPLETE);
    expect(await comeBack(second.callback), FAILED);
});
await step("OpenID: of two requests with the same callback at the same time, one gets a session", async () => {
    const { callback } = await signIn(await begin(), "alice");
    const answers = await Promise.all([comeBack(callback), comeBack(callback)]);
    expect(answers.map(one => one.result).sort(), ["failure", "success"]);
});
await step("OpenID: a state that was changed, left out, or is another sign-in's", async () => {
    const changed = (address, name, value) => {
        const copy = new URL(address);
        if (value === undefined) copy.searchParams.delete(name);
        else copy.searchParams.set(name, value);
        return copy.href;
    };
    const { callback } = await signIn(await begin(), "alice");
    const other = new URL((await signIn(await begin(), "bob")).callback).searchParams;
    const state = new URL(callback).searchParams.get("state");
    const flipped = state.slice(0, -4) + (state.at(-4) === "A" ? "B" : "A") + state.slice(-3);
    for (const value of [flipped, "", undefined, `${state}x`]) expect(await comeBack(changed(callback, "state", value)), FAILED);
    // None of this was the sign-in's own callback.
    expect(await comeBack(callback), COMPLETE);
    // His code does not fit her sign-in.
    expect(await comeBack(changed((await signIn(await begin(), "alice")).callback, "code", other.get("code"))), FAILED);
    expect(await comeBack(changed((await signIn(await begin(), "alice")).callback, "code", undefined)), FAILED);
});
for (const lie of lies) {
    await step(`OpenID: an id token that is ${lie} is refused`, async () => {
        provider.lie = lie;
        await through("alice", "open", FAILED);
        provider.lie = undefined;
    });
}
await step("OpenID: after all of these, an honest one is still taken", () => through("alice", "open"));
await step("OpenID: who cancels at the provider comes back with a failure", async () => {
    const { callback } = await cancel(await begin());
    expect(new URL(callback).searchParams.get("error"), "access_denied");
    expect(await comeBack(callback), { ...FAILED, message: /./ });
});
await step("OpenID: the provider falls silent between the sign-in and the code", async () => {
    const { callback } = await signIn(await begin(), "alice");
    provider.silent = true;
    await soon(async () => expect(await comeBack(callback), FAILED));
    provider.silent = false;
    await through("alice", "open");
});
await step("OpenID: a provider that is down, hangs, is no provider, or says that it is another", async () => {
    const none = httpServer((_, response) => response.writeHead(404).end());
    const another = httpServer(async (request, response) => {
        const answer = await fetch(`${provider.issuer}${request.url}`);
        response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    });
    const ports = { down: closedPort, hanging: deafPort, none: await listening(none), another: await listening(another) };
    for (const [name, port] of Object.entries(ports)) {
        await policy(`openid-${name}`, "OPENID", { ...openid, issuer: `http://127.0.0.1:${port}` });
        await soon(() => auth(`openid-${name}`, {}, DOWN, name === "down" || name === "hanging" ? 503 : whatever));
    }
    none.close();
    another.close();
});
await step("OpenID: a policy that is sent back as it was read keeps its secret", async () => {
    const read = await administer("authpolicy/read", { policyId: "open" }, { guid: guids.open, configurations: { clientId: "appdepot", clientSecret: "********" } });
    await administer("authpolicy/update", read);
    await through("alice", "open");
});

// ---- Who is it?

const EMAILS = { alice: "alice@example.com", bob: "bob@example.com" };
await step("OpenID with checkUserExists: nobody of the platform is not found", () => through("alice", "openid-existing", { ...FAILED, message: "user_not_found" }));
await step("OpenID with checkUserApproved: until she exists and is on the policy, she is not approved", async () => {
    const refused = { ...FAILED, message: "user_not_approved" };
    await through("alice", "openid-approved", refused);
    await administer("user/create", { username: EMAILS.alice, email: EMAILS.alice, name: "Alice" });
    await through("alice", "openid-approved", refused);
    await administer("authpolicy/addusers", { guid: guids.approved, users: [EMAILS.alice] });
    const { fh_auth_session } = await through("alice", "openid-approved", COMPLETE, { device: "phone-of-alice" });
    await opens(fh_auth_session);
    await administer("device/listusers", { cuid: "phone-of-alice" }, { list: [{ fields: { email: EMAILS.alice } }] });
    // She is on this policy, and on no other.
    await administer("authpolicy/addusers", { guid: guids.existing, users: [EMAILS.alice] });
    await through("alice", "openid-existing");
});
await step("OpenID: a user of the platform who is disabled, and one who is taken off the policy", async () => {
    await administer("user/update", { username: EMAILS.alice, enabled: false });
    await through("alice", "openid-approved", { ...FAILED, message: "user_disabled" });
    await administer("user/update", { username: EMAILS.alice, enabled: true });
    await through("alice", "openid-approved");
    await administer("authpolicy/removeusers", { guid: guids.approved, users: [EMAILS.alice] });
    await through("alice", "openid-approved", { ...FAILED, message: "user_not_approved" });
});
await step("OpenID: bob's provider does not vouch for his e-mail: he is never the platform's bob", async () => {
    await administer("user/create", { username: EMAILS.bob, email: EMAILS.bob, name: "Bob" });
    for (const guid of [guids.approved, guids.existing]) await administer("authpolicy/addusers", { guid, users: [EMAILS.bob] });
    await through("bob", "openid-approved", { ...FAILED, message: "user_not_approved" });
    await through("bob", "openid-existing", { ...FAILED, message: "user_not_found" });
    // Where nothing is checked he is let in, as somebody else.
    await through("bob", "open", COMPLETE, { device: "phone-of-bob" });
    const { fields } = await administer("user/read", { username: EMAILS.bob }, { fields: { email: EMAILS.bob } });
    expect(fields.lastLogin, value => !value);
    await administer("user/listdevices", { username: EMAILS.bob }, { list: [] });
});
await step("OpenID: mallory with the administrator's e-mail is never the administrator", async () => {
    const { guid } = await administer("user/read", { username: ADMIN }, { guid: GUID });
    for (const one of [guids.approved, guids.existing]) await administer("authpolicy/addusers", { guid: one, users: [ADMIN] });
    await through("mallory", "openid-approved", { ...FAILED, message: "user_not_approved" });
    await through("mallory", "openid-existing", { ...FAILED, message: "user_not_found" });
    const { fh_auth_session } = await through("mallory", "open", COMPLETE, { device: "phone-of-mallory" });
    await administer("device/listusers", { cuid: "phone-of-mallory" }, { list: without({ guid }) });
    const out = status => status === 401 || status === 403;
    for (const operation of ["user/list", "auditlog/listlogs", "authpolicy/list"]) {
        const query = `?fh_auth_session=${encodeURIComponent(fh_auth_session)}`;
        await nobody.post(`${ADMIN_API}/${operation}${query}`, {}, { status: "error", list: undefined }, out);
    }
});
await step("OpenID: a device that is disabled", async () => {
    const device = "phone-that-is-lost";
    await through("alice", "open", COMPLETE, { device });
    await administer("device/list", {}, { list: containing({ fields: { cuid: device } }) });
    await administer("device/update", { cuid: device, disabled: true });
    await through("alice", "open", { ...FAILED, message: "device_disabled" }, { device });
    await through("alice", "open", COMPLETE);
});

// ---- Sessions

await step("authpolicy/verifysession, sessioninfo, revokesession", async () => {
    await session("verifysession", alice, { status: "ok", isValid: true });
    await session("sessioninfo", alice, answer => answer.status === "ok" && !JSON.stringify(answer).includes(client.clientSecret));
    await session("revokesession", alice, { status: "ok" });
    await session("verifysession", alice, { status: "ok", isValid: false });
    await nobody.post(`/box/srv/1.1/mas/appstore/getstoreitems?fh_auth_session=${encodeURIComponent(alice)}`, {}, { status: "error" }, 401);
    await session("revokesession", alice, { status: "ok" });
});
await step("a policy that is deleted signs nobody in, not even who was on the way", async () => {
    const { callback } = await signIn(await begin(), "alice");
    await administer("authpolicy/delete", { guid: guids.open });
    expect(await comeBack(callback), FAILED);
    await auth("open", {}, { status: "error", message: "unknown_policyId" });
});

await provider.stop();
deaf.close();
done();
process.exit(0);
