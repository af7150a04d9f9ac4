// Drives the unmodified fhc 7.2.0 through what an administrator does with auth policies, users, teams and devices, against a server on
// fresh data. run.sh has the options.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN, ADMIN_API, Api, COLON_TIME, DOMAIN, GUID, Home, containing, doing, done, expect, matches, options, step, without } from "./steps.mjs";

const given = options("url", "password", "fhc", "work", "small");
const { url, password } = given;

const home = new Home("home-of-the-administrator");
const policies = (...args) => ["admin", "policies", ...args];
const users = (...args) => ["admin", "users", ...args];
const devices = (...args) => ["admin", "devices", ...args];
const teams = (...args) => ["admin", "teams", ...args];

const SECONDS = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const TEAM_ID = /^[0-9a-f]{24}$/;
const MILLIS = /^\d{13}$/;
const MASKED = "********";
const UNKNOWN = "aaaaaaaaaaaaaaaaaaaaaaaa";
// The same members in any order.
const exactly = (...members) => list => Array.isArray(list) && list.length === members.length && members.every(one => list.some(have => matches(have, one)));
const saying = (...texts) => out => texts.every(text => out.includes(text));

async function mails() {
    doing("GET /local/mail");
    const response = await fetch(`${url}/local/mail`, { headers: { accept: "application/json" } });
    return expect(await response.json(), list => Array.isArray(list));
}

async function login(username, secret, status = 200) {
    const api = new Api(url);
    if (status === 200) await api.login(username, secret);
    else await api.post("/box/srv/1.1/act/sys/auth/login", { u: username, p: secret }, { status: "error", result: "fail", login: undefined }, status);
    return api;
}

await home.fhc("target", url);
await home.fhc("login", ADMIN, password);
const me = await home.json(["user"], { email: ADMIN, guid: GUID });
const store = await home.json(["admin", "appstore", "read"], { guid: GUID, authpolicies: [GUID] });

// ---- Roles

await step("fhc call role/list and role/listAssignable", async () => {
    await home.call(`${ADMIN_API}/role/list`, {}, { list: list => list.length > 0 && list.every(one => typeof one === "string") });
    const all = ["sub", "dev", "devadmin", "analytics", "portaladmin"];
    await home.call(`${ADMIN_API}/role/listAssignable`, {}, { list: list => all.every(role => list.includes(role)) });
});

// ---- Auth policies

const LDAP = { authmethod: "simple", url: "ldap://ldap.example.com:389/", dn: "ou=people,dc=example,dc=com", dn_prefix: "cn" };
const OPENID = { provider: "OPENID", issuer: "https://login.example.com", clientId: "appdepot", clientSecret: "Wfv8DQw80hhyaBqnW37x5R23" };
const masked = { ...OPENID, clientSecret: MASKED };
const configurations = value => `--configurations=${JSON.stringify(value)}`;

await step("fhc policies list: the built-in one", async () => {
    await home.json(policies("list"), { count: 1, list: [{ guid: store.authpolicies[0], policyId: "FeedHenry", policyType: "FEEDHENRY", checkUserApproved: false }] });
    expect(await home.fhc(...policies("list")), saying("FeedHenry", "FEEDHENRY"));
});
const ldap = await step("fhc policies create, LDAP", async () => {
    const args = ["--id=directory", "--type=LDAP", configurations(LDAP), "--checkUserExists=true", "--checkUserApproved=false"];
    return home.json(policies("create", ...args), {
        guid: GUID, policyId: "directory", policyType: "LDAP", configurations: LDAP, checkUserExists: true, checkUserApproved: false, users: [],
    });
});
await step("fhc policies create, OPENID, as a table: without the flags both are off", async () => {
    const out = await home.fhc(...policies("create", "--id=partners", "--type=OPENID", configurations(OPENID)));
    expect(out, saying("partners", "OPENID", "No"));
    expect(out, text => !text.includes(OPENID.clientSecret));
});
const openid = await step("fhc policies read: secrets are masked", async () => {
    await home.json(policies("read", "--id=directory"), { guid: ldap.guid, policyType: "LDAP", configurations: LDAP, checkUserExists: true });
    const read = await home.json(policies("read", "--id=partners"), {
        guid: GUID, policyId: "partners", policyType: "OPENID", configurations: masked, checkUserExists: false, checkUserApproved: false, users: [],
    });
    expect(await home.fhc(...policies("read", "--id=partners")), saying(read.guid, "OPENID"));
    return read;
});
await step("fhc policies create: an id twice, a type that fhc does not know, configurations that are no JSON", async () => {
    await home.refused(policies("create", "--id=directory", "--type=LDAP", configurations(LDAP), "--json"), "409");
    await home.refused(policies("create", "--id=other", "--type=KERBEROS", configurations(LDAP), "--json"), "must be one of");
    await home.refused(policies("create", "--id=other", "--type=LDAP", "--configurations={url:", "--json"), "Invalid JSON");
    await home.refused(policies("read", "--id=other", "--json"), "404");
});
await step("fhc call authpolicy/create: the type in small letters, as the documentation has it, comes back as it was sent", async () => {
    const made = await home.call(`${ADMIN_API}/authpolicy/create`, { policyId: "small", policyType: "ldap", configurations: LDAP }, { guid: GUID });
    await home.json(policies("read", "--id=small"), { guid: made.guid, policyType: "ldap" });
    await home.fhc(...policies("delete", `--guid=${made.guid}`));
    await home.refused(["call", `--url=${ADMIN_API}/authpolicy/create`, "--method=POST", `--data=${JSON.stringify({ policyId: "x", policyType: "kerberos", configurations: {} })}`], "400", "invalid_");
});
await step("fhc policies list shows all of them, and no secret", async () => {
    const out = await home.fhc(...policies("list", "--json"));
    expect(JSON.parse(out), { status: "ok", count: 3, list: exactly({ policyId: "FeedHenry" }, { guid: ldap.guid, configurations: LDAP }, { guid: openid.guid, configurations: masked }) });
    expect(out, text => !text.includes(OPENID.clientSecret));
});
await step("fhc policies update sends the whole policy back as it read it: the masked secret stays", async () => {
    await home.json(policies("update", "--id=partners", "--checkUserApproved=true"), {
        guid: openid.guid, policyId: "partners", policyType: "OPENID", configurations: masked, checkUserApproved: true, checkUserExists: false,
    });
    await home.json(policies("update", "--id=partners", "--checkUserApproved=false", configurations({ ...masked, scope: "openid email" })), { checkUserApproved: false, configurations: masked });
    await home.json(policies("read", "--id=partners"), { checkUserApproved: false, configurations: { ...masked, scope: "openid email" } });
    expect(await home.fhc(...policies("update", "--id=partners", "--checkUserExists=true")), saying("partners", "Yes"));
});
await step("a masked secret does not go along to another issuer or client", async () => {
    for (const changed of [{ issuer: "https://elsewhere.example.com" }, { clientId: "another" }]) {
        await home.refused(policies("update", "--id=partners", configurations({ ...masked, ...changed }), "--json"), "400");
    }
    await home.json(policies("read", "--id=partners"), { configurations: masked });
    await home.json(policies("update", "--id=partners", configurations({ ...OPENID, clientId: "another" })), { configurations: { ...masked, clientId: "another" } });
});

// ---- Users

const pat = { username: "pat", email: "pat@example.com", password: "pat's password" };
await step("fhc users create", async () => {
    await home.json(users("create", `--username=${pat.username}`, `--email=${pat.email}`, `--password=${pat.password}`, "--name=Pat Example", "--roles=sub,dev"), { username: "pat" });
    expect(await home.fhc(...users("create", "--username=kim", "--email=kim@example.com")), "User created successfully.");
    await home.refused(users("create", "--username=pat", "--email=other@example.com", "--json"), "409");
    await home.refused(users("create", "--username=lee", "--email=no address", "--json"), "user_invalid_email");
    await home.refused(users("create", "--username=lee", "--json"), "Usage:");
});
pat.guid = await step("fhc users read", async () => {
    const read = await home.json(users("read", "--username=pat"), {
        guid: GUID, type: "ten_User",
        fields: {
            username: "pat", email: "pat@example.com", name: "Pat Example", enabled: true, blacklisted: false, authpolicies: [],
            roles: exactly("sub", "dev"), sysCreated: COLON_TIME, lastLogin: value => !value,
        },
    });
    expect(await home.fhc(...users("read", "--username=pat")), saying(read.guid, "pat@example.com", "Yes", "No"));
    await home.refused(users("read", "--username=nobody", "--json"), "404", "User not found");
    return read.guid;
});
await step("fhc users list", async () => {
    const one = { guid: pat.guid, fields: { username: "pat", email: "pat@example.com", enabled: true, authpolicies: [] } };
    await home.json(users("list"), { count: 3, list: exactly(one, { fields: { username: "kim" } }, { guid: me.guid, fields: { email: ADMIN } }) });
    expect(await home.fhc(...users("list")), saying("pat@example.com", "kim@example.com", ADMIN));
});
const patsHome = new Home("home-of-pat");
await step("the user signs in with fhc, and the list tells when", async () => {
    await patsHome.fhc("target", url);
    await patsHome.fhc("login", pat.username, pat.password);
    await patsHome.json(["user"], { guid: pat.guid, email: pat.email, roles: exactly("sub", "dev") });
    await home.json(users("read", "--username=pat"), { fields: { lastLogin: SECONDS } });
    expect(await home.fhc(...users("read", "--username=pat")), saying("ago"));
});
await step("fhc users update", async () => {
    await home.json(users("update", "--username=pat", "--name=Pat Zoë", "--email=zoe@example.com"), {
        guid: pat.guid, fields: { username: "pat", name: "Pat Zoë", email: "zoe@example.com", enabled: true, roles: exactly("sub", "dev") },
    });
    await home.json(users("update", "--username=pat", "--email=pat@example.com", "--password=another password"), { fields: { name: "Pat Zoë" } });
    await login(pat.username, pat.password, 401);
    pat.password = "another password";
    await login(pat.username, pat.password);
    await home.refused(users("update", "--username=nobody", "--name=N", "--json"), "404", "User not found");
});
await step("fhc users disable is out at once; enable", async () => {
    const before = await login(pat.username, pat.password);
    await home.json(users("disable", "--username=pat"), { guid: pat.guid, fields: { enabled: false } });
    await before.post(`${ADMIN_API}/role/list`, {}, { status: "error", address: { "login-status": "none" } }, 401);
    await login(pat.username, pat.password, 401);
    await home.json(users("read", "--username=pat"), { fields: { enabled: false, roles: exactly("sub", "dev") } });
    await home.json(users("enable", "--username=pat"), { fields: { enabled: true } });
    await login(pat.username, pat.password);
});
await step("fhc users changeroles, which always enables", async () => {
    await home.json(users("disable", "--username=kim"), { fields: { enabled: false } });
    await home.json(users("changeroles", "--username=kim", "--roles=dev, analytics"), { fields: { roles: exactly("dev", "analytics"), enabled: true } });
    await home.json(users("changeroles", "--username=kim", "--roles=sub"), { fields: { roles: ["sub"] } });
    await home.refused(users("changeroles", "--username=kim", "--roles=sub,emperor", "--json"), /40[03]/);
    await home.json(users("read", "--username=kim"), { fields: { roles: ["sub"] } });
});
await step("nobody grants what he does not hold, and the last administrator stays", async () => {
    await patsHome.fhc("login", pat.username, pat.password);
    await patsHome.refused(users("create", "--username=lee", "--email=lee@example.com", "--json"), "403");
    await patsHome.refused(users("changeroles", "--username=pat", "--roles=portaladmin", "--json"), "403");
    await home.refused(users("disable", `--username=${me.userName}`, "--json"), /40[39]/);
    await home.refused(users("delete", `--username=${me.userName}`, "--json"), /40[39]/);
    await login(ADMIN, password);
});
await step("fhc users create --invite=true sends a mail, and no password in it", async () => {
    const before = (await mails()).length;
    await home.json(users("create", "--username=ray", "--email=ray@example.com", "--password=secret of ray", "--invite=true"), { username: "ray" });
    const sent = (await mails()).length;
    expect(sent, before + 1);
    const mail = (await mails()).find(one => JSON.stringify(one.to).includes("ray@example.com"));
    expect(mail, { subject: /./, text: text => !text.includes("secret of ray") });
});

// ---- Users and policies

await step("fhc policies users add, list, delete", async () => {
    await home.json(policies("users", "add", `--guid=${ldap.guid}`, "--user=pat"), { status: "ok" });
    expect(await home.fhc(...policies("users", "add", `--guid=${ldap.guid}`, "--user=kim")), "User successfully added to Auth Policy");
    // Twice is well.
    await home.json(policies("users", "add", `--guid=${ldap.guid}`, "--user=pat"), { status: "ok" });
    const both = exactly({ guid: pat.guid, email: "pat@example.com", name: "Pat Zoë", userId: "pat" }, { email: "kim@example.com", userId: "kim" });
    await home.json(policies("users", "list", "--id=directory"), both);
    expect(await home.fhc(...policies("users", "list", "--id=directory")), saying(pat.guid, "kim@example.com"));
    await home.call(`${ADMIN_API}/authpolicy/users`, { guid: ldap.guid }, { count: 2, list: exactly({ userid: "pat", userId: "pat", name: "Pat Zoë", email: "pat@example.com" }, { userid: "kim" }) });
    await home.json(users("read", "--username=pat"), { fields: { authpolicies: [ldap.guid] } });
    await home.refused(policies("users", "add", `--guid=${ldap.guid}`, "--user=nobody", "--json"), "404", "User not found");
    await home.refused(policies("users", "add", `--guid=${UNKNOWN}`, "--user=pat", "--json"), "404", "invalid_guid");
    await home.json(policies("update", "--id=directory", "--checkUserApproved=true"), { checkUserApproved: true });
    await home.json(policies("users", "list", "--id=directory"), both);
    await home.json(policies("users", "delete", `--guid=${ldap.guid}`, "--user=kim"), { status: "ok" });
    await home.json(policies("users", "delete", `--guid=${ldap.guid}`, "--user=kim"), { status: "ok" });
    await home.json(policies("users", "list", "--id=directory"), [{ guid: pat.guid }]);
});
await step("fhc users changeauthpolicies", async () => {
    await home.json(users("changeauthpolicies", "--username=pat", `--authpolicies=${openid.guid}`), { fields: { authpolicies: [openid.guid] } });
    await home.json(policies("users", "list", "--id=directory"), []);
    await home.json(policies("users", "list", "--id=partners"), [{ guid: pat.guid }]);
    await home.json(users("changeauthpolicies", "--username=pat", `--authpolicies=${openid.guid},${ldap.guid}`), { fields: { authpolicies: exactly(openid.guid, ldap.guid) } });
    await home.refused(users("changeauthpolicies", "--username=pat", `--authpolicies=${UNKNOWN}`, "--json"), /40[04]/);
    await home.json(users("read", "--username=pat"), { fields: { authpolicies: exactly(openid.guid, ldap.guid) } });
});
await step("fhc policies delete", async () => {
    expect(await home.fhc(...policies("delete", `--guid=${openid.guid}`)), "Auth Policy deleted successfully");
    await home.refused(policies("delete", `--guid=${openid.guid}`, "--json"), "404", "invalid_guid");
    await home.json(policies("list"), { list: without({ guid: openid.guid }), count: 2 });
    // Its id is free again, and the new one has none of the old one's users.
    await home.json(policies("create", "--id=partners", "--type=OPENID", configurations(OPENID)), { guid: guid => GUID.test(guid) && guid !== openid.guid });
    await home.json(policies("users", "list", "--id=partners"), []);
});

// ---- Devices

const PHONE = "E7F62D22426F4F95983DACF19986E840";
const IMEI = "354613070912345";
const auth = (device, changes = {}) => home.auth({ policy: "FeedHenry", app: store.guid, device, params: { userId: pat.username, password: pat.password }, ...changes });
const session = await step("fhc.auth (the module) registers the device", async () => {
    await home.json(devices("list"), { count: 0, list: [] });
    const answer = await auth(PHONE);
    expect(answer, { status: "ok", message: "Authentication successful", sessionToken: /^.{24,}$/, userId: "pat" });
    await home.json(devices("list"), {
        count: 1,
        list: [{ guid: GUID, type: "mam_Devices", fields: { cuid: PHONE, name: "", disabled: false, blacklisted: false, sysCreated: COLON_TIME, sysModified: COLON_TIME } }],
    });
    expect(await home.fhc(...devices("list")), saying(PHONE, "mam_Devices", "ago"));
    return answer.sessionToken;
});
await step("fhc session verify and info", async () => {
    await home.json(["session", "verify", `--token=${session}`], { isValid: true });
    await home.json(["session", "info", `--token=${session}`], answer => JSON.stringify(answer).includes('"pat"'));
    await home.json(["session", "verify", "--token=nosuchsession"], { isValid: false });
});
await step("fhc.auth with a wrong password, a policy that is not there, nobody", async () => {
    // The module gives the message, or the answer with it.
    const refused = message => answer => JSON.stringify(answer).includes(message) && !JSON.stringify(answer).includes("sessionToken");
    expect(await auth(PHONE, { params: { userId: "pat", password: "wrong" } }), refused("User login failed"));
    expect(await auth(PHONE, { params: { userId: "nobody", password: "wrong" } }), refused("User login failed"));
    expect(await auth(PHONE, { policy: "nowhere" }), refused("unknown_policyId"));
});
await step("fhc devices read and update; a device whose id is a number", async () => {
    await home.json(devices("update", `--cuid=${PHONE}`, "--name=Pat's phone"), { guid: GUID, fields: { cuid: PHONE, name: "Pat's phone", disabled: false, blacklisted: false } });
    await home.json(devices("read", `--cuid=${PHONE}`), { guid: GUID, fields: { cuid: PHONE, name: "Pat's phone" } });
    expect(await home.fhc(...devices("read", `--cuid=${PHONE}`)), saying(PHONE, "Pat's phone"));
    expect(await auth(IMEI), { status: "ok" });
    // fhc sends it as a number.
    await home.json(devices("read", `--cuid=${IMEI}`), { fields: { cuid: IMEI } });
    await home.json(devices("list"), { count: 2, list: exactly({ fields: { cuid: PHONE } }, { fields: { cuid: IMEI } }) });
    await home.refused(devices("read", "--cuid=nosuchdevice", "--json"), "404");
});
await step("fhc devices disable and enable", async () => {
    await home.json(devices("disable", `--cuid=${PHONE}`), { fields: { disabled: true, blacklisted: false, name: "Pat's phone" } });
    expect(await auth(PHONE), answer => JSON.stringify(answer).includes("device_disabled"));
    expect(await auth(IMEI), { status: "ok" });
    await home.json(devices("enable", `--cuid=${PHONE}`), { fields: { disabled: false, name: "Pat's phone" } });
    expect(await auth(PHONE), { status: "ok" });
});
await step("fhc devices purgedata: the other flag and the name stay", async () => {
    await home.json(devices("disable", `--cuid=${PHONE}`), { fields: { disabled: true } });
    await home.json(devices("purgedata", `--cuid=${PHONE}`, "--blacklisted"), { fields: { disabled: true, blacklisted: true, name: "Pat's phone" } });
    expect(await auth(PHONE), answer => JSON.stringify(answer).includes("device_purge_data"));
    await home.json(devices("enable", `--cuid=${PHONE}`), { fields: { disabled: false, blacklisted: true } });
    expect(await auth(PHONE), answer => JSON.stringify(answer).includes("device_purge_data"));
    // Without the flag fhc takes it back.
    await home.json(devices("purgedata", `--cuid=${PHONE}`), { fields: { disabled: false, blacklisted: false } });
    expect(await auth(PHONE), { status: "ok" });
});
await step("a disabled user, and one whose data are to go", async () => {
    await home.json(users("disable", "--username=pat"), { fields: { enabled: false } });
    expect(await auth(PHONE), answer => JSON.stringify(answer).includes("user_disabled"));
    await home.json(users("enable", "--username=pat"), { fields: { enabled: true } });
    await home.call(`${ADMIN_API}/user/update`, { username: "pat", blacklisted: true }, { fields: { blacklisted: true, enabled: true } });
    expect(await auth(PHONE), answer => JSON.stringify(answer).includes("user_purge_data"));
    await home.call(`${ADMIN_API}/user/update`, { username: "pat", blacklisted: false }, { fields: { blacklisted: false } });
});
const item = await step("fhc devices listapps and listusers; users listdevices and listinstallapps", async () => {
    const made = await home.json(["admin", "appstore", "storeitems", "create", "--name=Field Service", "--description=For the field"], { guid: GUID });
    await home.json(["admin", "appstore", "storeitems", "uploadbinary", `--id=${made.guid}`, "--type=android", `--binary=${given.small}`], { guid: made.guid });
    await home.json(["admin", "appstore", "storeitems", "add", `--id=${made.guid}`], { status: "ok" });
    // The app itself signs its user in, then the store does.
    expect(await auth(PHONE, { app: made.guid }), { status: "ok" });
    await home.json(devices("listapps", `--cuid=${PHONE}`), { list: containing({ guid: made.guid, fields: { name: "Field Service", description: "For the field" } }) });
    await home.json(devices("listapps", `--cuid=${IMEI}`), { list: without({ guid: made.guid }) });
    await home.json(devices("listusers", `--cuid=${PHONE}`), { count: 1, list: [{ guid: pat.guid, fields: { userId: "pat", email: "pat@example.com" } }] });
    await home.json(users("listdevices", "--username=pat"), {
        list: exactly({ guid: GUID, cuid: PHONE, name: "Pat's phone", disabled: false, blacklisted: false }, { cuid: IMEI, name: "" }),
    });
    await home.json(users("listdevices", "--username=kim"), { list: [] });
    await home.json(users("listinstallapps", "--username=pat"), { list: [] });

    const { sessionToken } = await auth(PHONE);
    const seen = await new Api(url).post(`/box/srv/1.1/mas/appstore/getstoreitems?fh_auth_session=${sessionToken}`, {}, { list: containing({ guid: made.guid }) });
    const { binaries } = seen.list.find(one => one.guid === made.guid);
    doing(`GET ${binaries[0].url}`);
    expect((await fetch(binaries[0].url, { headers: { "x-fh-auth-session": sessionToken }, redirect: "manual" })).status, 302);
    await home.json(users("listinstallapps", "--username=pat"), { list: [{ guid: made.guid, name: "Field Service", description: text => typeof text === "string" }] });
    return made.guid;
});
await step("what was installed stays listed when it is gone", async () => {
    await home.json(["admin", "appstore", "storeitems", "delete", `--id=${item}`], { status: "ok" });
    await home.json(users("listinstallapps", "--username=pat"), { list: [{ guid: item, name: "Field Service" }] });
});

// ---- Teams

const own = await step("fhc teams list: those that every tenant has", async () => {
    const list = await home.json(teams("list"), all => Array.isArray(all) && all.length > 0 && all.every(one => one.defaultTeam === true));
    const team = list[0];
    expect(team, { _id: TEAM_ID, name: /./, code: /./, desc: text => typeof text === "string", perms: {}, "business-objects": {}, created: MILLIS, updated: MILLIS });
    expect(await home.fhc(...teams("list")), saying(team._id, team.name));
    return team;
});
const [perms, objects] = [own.perms, own["business-objects"]];
const team = await step("fhc teams create from a file; what is not the caller's to say is ignored", async () => {
    const file = join(given.work, "team.json");
    writeFileSync(file, JSON.stringify({ _id: own._id, name: "Field", code: "field", desc: "All in the field", perms, "business-objects": objects, users: [], defaultTeam: true, created: "1" }));
    return home.json(teams("create", `--team=${file}`), {
        _id: id => TEAM_ID.test(id) && id !== own._id, name: "Field", code: "field", desc: "All in the field", perms, "business-objects": objects,
        users: [], defaultTeam: false, created: MILLIS, updated: MILLIS,
    });
});
await step("fhc teams create from a text, with perms and business-objects as the documentation's example has them", async () => {
    const swapped = { name: "Swapped", code: "swapped", desc: "", perms: objects, "business-objects": perms, users: [pat.guid] };
    const made = await home.json(teams("create", `--team=${JSON.stringify(swapped)}`), { perms, "business-objects": objects, users: [pat.guid] });
    await home.json(teams("delete", `--id=${made._id}`), { _id: made._id, name: "Swapped" });
    await home.refused(teams("read", `--id=${made._id}`, "--json"), "404");
});
await step("fhc teams create: nobody's objects and an unknown member are refused", async () => {
    const other = { name: "Other", code: "other", desc: "", perms, users: [] };
    const foreign = Object.fromEntries(Object.keys(objects).map(path => [path, ["somebody-else"]]));
    await home.refused(teams("create", `--team=${JSON.stringify({ ...other, "business-objects": foreign })}`, "--json"), "403");
    await home.refused(teams("create", `--team=${JSON.stringify({ ...other, "business-objects": objects, users: ["nobody"] })}`, "--json"), /40[04]/);
    await home.json(teams("list"), without({ name: "Other" }));
});
await step("fhc teams adduser, userteams, removeuser", async () => {
    await home.json(teams("read", `--id=${team._id}`), { _id: team._id, name: "Field", users: [] });
    await home.json(teams("adduser", `--team=${team._id}`, `--user=${pat.guid}`), { _id: team._id, users: [pat.guid] });
    await home.json(teams("adduser", `--team=${team._id}`, `--user=${pat.guid}`), { users: [pat.guid] });
    await home.json(teams("userteams", `--user=${pat.guid}`), containing({ _id: team._id, name: "Field", users: [pat.guid] }));
    await home.refused(teams("adduser", `--team=${team._id}`, `--user=${UNKNOWN}`, "--json"), "404", "error");
    await home.refused(teams("adduser", "--team=aaaaaaaaaaaaaaaaaaaaaaaa", `--user=${pat.guid}`, "--json"), "404", "error");
    await home.json(teams("removeuser", `--team=${team._id}`, `--user=${pat.guid}`), { _id: team._id, users: [] });
    await home.json(teams("userteams", `--user=${pat.guid}`), without({ _id: team._id }));
});
await step("fhc users create --teams --groups", async () => {
    const group = await home.json(["admin", "appstore", "itemgroups", "create", "--name=Sales", "--description=d"], { guid: GUID });
    const args = ["--username=joe", "--email=joe@example.com", "--password=joe's password", `--teams=${team._id}`, `--groups=${group.guid}`, `--authpolicies=${ldap.guid}`];
    await home.json(users("create", ...args), { username: "joe" });
    const joe = await home.json(users("read", "--username=joe"), { guid: GUID, fields: { authpolicies: [ldap.guid] } });
    await home.json(teams("read", `--id=${team._id}`), { users: [joe.guid] });
    await home.json(["admin", "appstore", "itemgroups", "read", `--guid=${group.guid}`], { users: [joe.guid] });
});
await step("fhc users delete; whoever gets the name later inherits nothing", async () => {
    const before = await login("joe", "joe's password");
    await home.json(users("delete", "--username=joe"), { fields: { username: "joe", email: "joe@example.com", enabled: value => typeof value === "boolean" } });
    await before.post(`${ADMIN_API}/role/list`, {}, { status: "error" }, 401);
    await home.refused(users("read", "--username=joe", "--json"), "404", "User not found");
    await home.refused(users("delete", "--username=joe", "--json"), "404", "User not found");
    expect(await home.fhc(...users("create", "--username=joe", "--email=joe@example.com")), "User created successfully.");
    const again = await home.json(users("read", "--username=joe"), { fields: { authpolicies: [] } });
    await home.json(teams("userteams", `--user=${again.guid}`), without({ _id: team._id }));
    await home.json(policies("users", "list", "--id=directory"), without({ userId: "joe" }));
    expect(await home.fhc(...users("delete", "--username=joe")), "User deleted successfully.");
});
await step("fhc teams delete: not a default team", async () => {
    await home.refused(teams("delete", `--id=${own._id}`, "--json"), "403", "error");
    await home.json(teams("delete", `--id=${team._id}`), { _id: team._id });
    await home.json(teams("list"), without({ _id: team._id }));
});

// ---- Import

const csv = join(given.work, "people.csv");
const imported = [{ status: "complete", log: list => list.length > 0 && list.every(line => typeof line === "string"), progress: 100 }];
await step("fhc users import", async () => {
    writeFileSync(csv, 'ann,ann@example.com,"Smith, Ann",first password\r\nben,ben@example.com,Bén,second password\r\n');
    await home.json(users("import", `--file=${csv}`, "--roles=sub,dev", `--authpolicies=${ldap.guid}`), imported);
    for (const [username, name] of [["ann", "Smith, Ann"], ["ben", "Bén"]]) {
        await home.json(users("read", `--username=${username}`), { fields: { email: `${username}@example.com`, name, roles: exactly("sub", "dev"), authpolicies: [ldap.guid], enabled: true } });
    }
    await login("ann", "first password");
    await login("ben", "second password");
    await home.json(policies("users", "list", "--id=directory"), containing({ userId: "ann" }));
});
await step("fhc users import: a user who is there keeps what he has, a bad line is told, the rest comes in", async () => {
    writeFileSync(csv, "ann,other@example.com,Other,other password\nonly a name\ncid,cid@example.com,Cid,third password\n");
    const out = await home.fhc(...users("import", `--file=${csv}`));
    expect(out, saying("ann", "cid"));
    await home.json(users("read", "--username=ann"), { fields: { email: "ann@example.com", name: "Smith, Ann" } });
    await login("ann", "first password");
    await login("cid", "third password");
});
await step("fhc users import --invite=true sends mails", async () => {
    writeFileSync(csv, "dan,dan@example.com,Dan,\n");
    await home.json(users("import", `--file=${csv}`, "--invite=true"), imported);
    expect(await mails(), list => list.some(one => JSON.stringify(one.to).includes("dan@example.com")));
});
await step("what fhc was given in no answer: no password, no secret", async () => {
    const out = [await home.fhc(...users("list", "--json")), await home.fhc(...policies("list", "--json")), readFileSync(home.file, "utf8")].join("\n");
    for (const secret of [pat.password, "first password", OPENID.clientSecret]) expect(out, text => !text.includes(secret));
});

expect(home.settings, { domain: DOMAIN });
done();
