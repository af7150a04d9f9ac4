// A publisher's whole session over the WSO2 App Manager API, as a script of his would drive it: from the registration of a client
// to the deletion of the app, with the RHMAP store looked at on the way. Needs nothing but node 18 and a running server.
//
//   node tests/clients/wso2.mjs --url http://127.0.0.1:4000 --password P --settings DATA/clients/wso2-client.json --apk FILE
//        [--create-status 200|201]      what the server answers to creates (its parameter Wso2CreateStatus), by default 201
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { deflateSync } from "node:zlib";
import { Unexpected, containing, doing, done, expect, matches, options, step, without } from "./steps.mjs";

const given = options("url", "password", "settings", "apk", "create-status?");
const CREATED = Number(given["create-status"] ?? 201);
if (CREATED !== 200 && CREATED !== 201) {
    console.error("--create-status is 200 or 201");
    process.exit(2);
}
const { password } = given;
const url = given.url.replace(/\/$/, "");

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ETAG = /^"[^"]+"$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const FILE = /^[0-9A-Za-z]{15,}\.[a-z]+$/;
const TOKEN = /^[\w.~+/=-]{20,}$/;
const HISTORY_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;
const sha256 = bytes => createHash("sha256").update(bytes).digest("hex");
const exactly = (...texts) => list => Array.isArray(list) && list.length === texts.length && texts.every(text => list.includes(text));
const words = text => got => typeof got === "string" && exactly(...text.split(" "))(got.split(" "));
const basic = (name, secret) => `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;

// ---- HTTP

// One request; `body` is JSON, a form or multipart. The answer must have that status and fit.
async function ask(method, address, { headers = {}, body, status = 200, expected, fitting = {} } = {}) {
    const target = new URL(address, `${url}/`);
    const command = `${method} ${target}${body === undefined ? "" : ` ${body instanceof FormData ? "(multipart)" : body instanceof URLSearchParams ? [...body.keys()] : JSON.stringify(body)}`}`;
    doing(command);
    const plain = body instanceof FormData || body instanceof URLSearchParams || typeof body === "string" || body === undefined;
    const sent = { method, redirect: "manual", headers: plain ? headers : { "content-type": "application/json", ...headers } };
    if (body !== undefined) sent.body = plain ? body : JSON.stringify(body);
    const response = await fetch(target, sent);
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = bytes.toString();
    let json;
    if ((response.headers.get("content-type") ?? "").startsWith("application/json") && text !== "") {
        try {
            json = JSON.parse(text);
        } catch {
            throw new Unexpected(command, "JSON", text);
        }
    }
    if (response.status !== status) throw new Unexpected(command, status, { status: response.status, body: json ?? text });
    const found = Object.fromEntries(response.headers);
    if (expected !== undefined) expect(json, expected);
    expect(found, fitting);
    return { json, text, bytes, headers: found };
}

const settings = JSON.parse(readFileSync(given.settings, "utf8"));
const API = `${settings.baseUrl}`.replace(/\/$/, "");
const REGISTER = `${url}/api/appm/oauth/v1.0/register`;
const REVOKE = `${url}/oauth2/revoke`;
const ALL = ["read", "create", "update", "publish", "administration"].map(scope => `appm:${scope}`).join(" ");
const DATED = { etag: ETAG, "last-modified": HTTP_DATE };

let bearer = "";
// A request to the publisher API with the session's token.
const api = (method, path, options = {}) =>
    ask(method, path.startsWith("http") || path.startsWith("/api/") ? path : API + path, { ...options, headers: { authorization: `Bearer ${bearer}`, ...options.headers } });
const error = (status, ...texts) => ({
    status,
    expected: { code: status, message: /./, ...(status === 401 ? {} : { description: got => typeof got === "string" && got !== "" && texts.every(text => got.includes(text)), error: [] }) },
});

const form = fields => new URLSearchParams(fields);
const token = (client, fields, options = {}) => ask("POST", settings.tokenUrl, { headers: { authorization: basic(client.clientId, client.clientSecret) }, body: form(fields), ...options });
const issued = scope => ({ access_token: TOKEN, token_type: "Bearer", expires_in: seconds => Number.isInteger(seconds) && seconds > 0, scope: words(scope) });

function upload(bytes, name, type) {
    const body = new FormData();
    body.append("file", new Blob([bytes], { type }), name);
    return body;
}

// A picture of one colour that no other run sends, so that each is a file of its own.
function png(side, colour) {
    const number = value => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value >>> 0);
        return bytes;
    };
    const crc = data => {
        let rest = 0xffffffff;
        for (const byte of data) {
            rest ^= byte;
            for (let i = 0; i < 8; i++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
        }
        return ~rest;
    };
    const chunk = (name, data) => {
        const named = Buffer.concat([Buffer.from(name), data]);
        return Buffer.concat([number(data.length), named, number(crc(named))]);
    };
    const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: side }, () => colour)]);
    const header = Buffer.concat([number(side), number(side), Buffer.from([8, 2, 0, 0, 0])]);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const rows = Buffer.concat(Array.from({ length: side }, () => row));
    return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

const apk = readFileSync(given.apk);
// Names of this run alone, so that it can be repeated on the same data.
const run = randomBytes(4).toString("hex");
const NAME = `calculator${run}`;

// ---- A client and its tokens

await step("the ready-made settings name this server", async () => {
    expect(settings, { baseUrl: `${url}/api/appm/publisher/v1.1`, tokenUrl: `${url}/oauth2/token`, clientId: TOKEN, clientSecret: TOKEN, username: /./ });
});
await step("the ready-made client gets a token by the password grant", async () => {
    const { json } = await token(settings, { grant_type: "password", username: settings.username, password, scope: "appm:read" }, { expected: { ...issued("appm:read"), refresh_token: TOKEN } });
    bearer = json.access_token;
    await api("GET", "/apps/mobileapp", { expected: { count: Number.isInteger } });
});
await step("without a token, and with one that does not exist, there is no answer", async () => {
    await ask("GET", `${API}/apps/mobileapp`, { ...error(401), fitting: { "www-authenticate": /^Bearer/i } });
    await ask("GET", `${API}/apps/mobileapp`, { ...error(401), headers: { authorization: "Bearer 5e3e12917945881407eaad1868ea4629" } });
});
const client = await step("register a client", async () => {
    const body = { callbackUrl: "www.example.com", clientName: `publisher-${run}`, tokenScope: "Production", owner: settings.username, grantType: "password refresh_token client_credentials", saasApp: true };
    await ask("POST", REGISTER, { body, headers: { authorization: basic(settings.username, `${password}x`) }, ...error(401) });
    const { json } = await ask("POST", REGISTER, { body, headers: { authorization: basic(settings.username, password) }, status: 201, expected: { clientId: TOKEN, clientSecret: TOKEN, clientName: body.clientName } });
    return json;
});
const PASSWORD_GRANT = { grant_type: "password", username: settings.username, password };
await step("wrong passwords and secrets get no token", async () => {
    await token(client, { ...PASSWORD_GRANT, password: `${password}x` }, { status: 400, expected: { error: "invalid_grant" } });
    await token({ ...client, clientSecret: "wrong" }, PASSWORD_GRANT, { status: 401, expected: { error: "invalid_client" } });
});
const first = await step("password grant: a token with every scope", async () => {
    const { json } = await token(client, { ...PASSWORD_GRANT, scope: ALL }, { expected: { ...issued(ALL), refresh_token: TOKEN }, fitting: { "cache-control": /no-store/ } });
    bearer = json.access_token;
    return json;
});
await step("client credentials grant", async () => {
    const { json } = await token(client, { grant_type: "client_credentials", scope: "appm:read" }, { expected: { ...issued("appm:read"), refresh_token: undefined } });
    await api("GET", "/apps/webapp", { headers: { authorization: `Bearer ${json.access_token}` } });
});
const withScope = async scope => (await token(client, { ...PASSWORD_GRANT, scope }, { expected: issued(scope) })).json.access_token;
await step("a scope is asked for exactly: reading is neither writing nor administration", async () => {
    const reader = { headers: { authorization: `Bearer ${await withScope("appm:read")}` } };
    await api("GET", "/apps/mobileapp", reader);
    await api("POST", "/apps/webapp", { ...reader, body: { name: NAME, version: "1.0", displayName: NAME, context: `/${NAME}` }, ...error(403, "appm:create") });
    const administration = { headers: { authorization: `Bearer ${await withScope("appm:administration")}` } };
    await api("GET", "/apps/mobileapp", { ...administration, ...error(403, "appm:read") });
});

// ---- Files

const binary = await step(`upload ${basename(given.apk)} (${apk.length} bytes)`, async () => {
    const type = "application/vnd.android.package-archive";
    const { json } = await api("POST", "/apps/mobile/binaries", { body: upload(apk, "sample.apk", type), expected: { path: FILE, package: /^[\w.]+$/, version: /./ } });
    await api("POST", "/apps/mobile/binaries", { body: upload(Buffer.from("This is a text.\n"), "sample.apk", type), ...error(400, "not_an_archive") });
    await api("POST", "/apps/mobile/binaries", { body: upload(apk, "sample.zip", type), ...error(400) });
    return json;
});
// Follows the way to a binary; the storage sees no token.
async function bytesAt(address, headers) {
    doing(`GET ${address}`);
    let way = await fetch(new URL(address, `${url}/`), { headers, redirect: "manual" });
    for (let hops = 0; [301, 302, 303, 307, 308].includes(way.status) && hops < 5; hops++) {
        await way.arrayBuffer();
        doing(`GET ${way.headers.get("location")}`);
        way = await fetch(new URL(way.headers.get("location"), way.url), { redirect: "manual" });
    }
    expect(way.status, 200);
    return Buffer.from(await way.arrayBuffer());
}
await step("the binary comes back as it was sent", async () => {
    expect(sha256(await bytesAt(`${API}/apps/mobile/binaries/${binary.path}`, { authorization: `Bearer ${bearer}` })), sha256(apk));
});
const images = await step("upload icon, banner and three screenshots", async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) {
        const bytes = png(96, randomBytes(3));
        const { json } = await api("POST", "/apps/static-contents?appType=mobileapp", { body: upload(bytes, `image${i}.png`, "image/png"), expected: { id: FILE, path: /./ } });
        const back = await api("GET", `/apps/static-contents/${json.id}?appType=mobileapp`, { fitting: { "content-type": "image/png", ...DATED } });
        expect(sha256(back.bytes), sha256(bytes));
        ids.push(json.id);
    }
    expect(new Set(ids).size, 5);
    return ids;
});
await step("an image is not sent again to whom has it, and refused to whom asks for another", async () => {
    const path = `/apps/static-contents/${images[0]}?appType=mobileapp`;
    const { headers } = await api("GET", path);
    const same = await api("GET", path, { status: 304, headers: { "if-none-match": headers.etag }, fitting: { etag: headers.etag } });
    expect(same.text, "");
    await api("GET", path, { ...error(412), headers: { "if-match": '"another"' } });
});

// ---- The app

const [icon, banner, ...screenshots] = images;
const APP = {
    name: NAME, description: "A calculator", type: "enterprise", appmeta: { path: binary.path, package: binary.package, version: binary.version }, marketType: "enterprise", provider: "admin", displayName: "Calculator",
    category: "Business", thumbnailUrl: icon, version: "1.0.0", banner, platform: "android", appType: "android", mediaType: "application/vnd.wso2-mobileapp+xml", screenshots,
};
const made = { location: /./, etag: ETAG };
await step("an app that lacks something is refused, and the description says what", async () => {
    for (const field of ["name", "version", "displayName", "platform", "marketType", "description", "category", "banner", "thumbnailUrl", "screenshots"]) {
        await api("POST", "/apps/mobileapp", { body: { ...APP, [field]: undefined }, ...error(400, field) });
    }
    await api("POST", "/apps/mobileapp", { body: { ...APP, screenshots: [...screenshots, icon] }, ...error(400) });
    await api("POST", "/apps/mobileapp", { body: { ...APP, appmeta: { ...APP.appmeta, path: "/publisher/api/mobileapp/getfile/D3PdRxvU24WK3EN.apk" } }, ...error(400) });
    await api("POST", "/apps/mobileapp", { body: { ...APP, appmeta: { ...APP.appmeta, package: "com.example.other" } }, ...error(400) });
    const curly = JSON.stringify(APP).replace('"marketType":"enterprise"', "”marketType”:”enterprise”");
    await api("POST", "/apps/mobileapp", { body: curly, headers: { "content-type": "application/json" }, ...error(400) });
    await api("POST", "/apps/mobileapp", { body: "<App/>", headers: { "content-type": "application/xml" }, ...error(415) });
});
// Makes an app, or a version of one; its id.
async function create(path, body) {
    const { json, headers } = await api("POST", path, { body, status: CREATED, expected: { id: UUID, AppId: UUID }, fitting: made });
    expect(json.AppId, json.id);
    await api("GET", headers.location, { expected: { id: json.id, version: body.version, lifecycleState: "CREATED" }, fitting: DATED });
    return json.id;
}
const old = await step("create the mobile app", () => create("/apps/mobileapp", APP));
const at = id => `/apps/mobileapp/id/${id}`;
const details = await step("its details, by id and by provider-name-version", async () => {
    const { json } = await api("GET", at(old), {
        expected: {
            id: old, uuid: old, name: NAME, appName: NAME, displayName: "Calculator", version: "1.0.0", type: "mobileapp", platform: "android", marketType: "enterprise", category: "Business", description: "A calculator",
            appmeta: { package: binary.package, version: binary.version }, packageName: binary.package, lifecycleState: "CREATED", lifecycleStatus: "CREATED", createdTime: /^\d{20}$/, rating: Number.isFinite,
            thumbnail: text => text.includes(icon), banner: text => text.includes(banner), screenShots: list => screenshots.every((one, i) => list[i].includes(one)), availableLifecycleActions: exactly("Submit for Review"),
        },
    });
    await api("GET", `/apps/mobileapp/id/${encodeURIComponent(`${json.provider}-${NAME}-1.0.0`)}`, { expected: { id: old } });
    return json;
});
await step("its name is taken now", () => api("POST", "/apps/mobileapp", { body: APP, ...error(409, NAME) }));
await step("it is listed: basic and all", async () => {
    const summary = { id: old, name: NAME, version: "1.0.0", provider: details.provider, lifecycleState: "CREATED", description: "A calculator" };
    for (const query of [NAME, `app_name:${NAME}`, `name:${NAME.slice(2)}`, `contains:${NAME}`, `app_id:${old}`, `provider:${details.provider},app_version:1.0,app_name:${NAME}`]) {
        await api("GET", `/apps/mobileapp?query=${encodeURIComponent(query)}`, { expected: { count: 1, next: "", previous: "", appList: [summary], appSummaryList: [summary] }, fitting: { etag: ETAG } });
    }
    await api("GET", `/apps/mobileapp?query=${NAME}&field-filter=all`, { expected: { count: 1, appList: [{ id: old, displayName: "Calculator", platform: "android" }] } });
    await api("GET", `/apps/mobileapp?query=${NAME}&field-filter=some`, error(400));
    await api("GET", "/apps/mobileapp?query=colour:red", error(400));
    await api("GET", "/apps/mobileapp?limit=-1", error(400));
    await api("GET", "/apps/toaster", error(404));
});

// ---- Conditions

await step("conditional GET: 304 by ETag and by date, for one app and for a list", async () => {
    const { headers } = await api("GET", at(old), { fitting: DATED });
    const same = await api("GET", at(old), { status: 304, headers: { "if-none-match": headers.etag }, fitting: { etag: headers.etag } });
    expect(same.text, "");
    await api("GET", at(old), { status: 304, headers: { "if-modified-since": headers["last-modified"] } });
    await api("GET", at(old), { headers: { "if-none-match": '"another"' } });
    const list = await api("GET", `/apps/mobileapp?query=${NAME}`, { fitting: { etag: ETAG } });
    await api("GET", `/apps/mobileapp?query=${NAME}`, { status: 304, headers: { "if-none-match": list.headers.etag } });
});
await step("PUT with If-Match: the first wins, the second's ETag is stale", async () => {
    const { headers } = await api("GET", at(old));
    const change = displayName => ({ name: NAME, version: "1.0.0", displayName });
    await api("PUT", at(old), { body: change("Calculator 1"), headers: { "if-match": headers.etag }, expected: { id: old, displayName: "Calculator 1", description: "A calculator" }, fitting: { etag: ETAG } });
    await api("PUT", at(old), { body: change("Calculator 2"), headers: { "if-match": headers.etag }, ...error(412) });
    await api("PUT", at(old), { body: change("Calculator 2"), headers: { "if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT" }, ...error(412) });
    await api("DELETE", at(old), { headers: { "if-match": headers.etag }, ...error(412) });
    const now = await api("GET", at(old), { expected: { displayName: "Calculator 1" } });
    expect(now.headers.etag, etag => etag !== headers.etag);
});

// ---- The life cycle

const lifecycle = (id, state, ...actions) => api("GET", `${at(id)}/lifecycle`, { expected: { state, actions: exactly(...actions) } });
const moved = (id, action, spelled, { reason, ...options } = {}) => {
    const query = `appId=${id}&action=${spelled ?? encodeURIComponent(action)}${reason ? `&reason=${encodeURIComponent(reason)}` : ""}`;
    const expected = { message: `Lifecycle action : ${action} has been accepted for processing ` };
    return api("POST", `/apps/mobileapp/change-lifecycle?${query}`, { status: 202, expected, ...options });
};
await step("what the life cycle does not allow is refused, with what it allows", async () => {
    await lifecycle(old, "CREATED", "Submit for Review");
    await moved(old, "Publish", undefined, error(400, "Submit for Review"));
    await moved(old, "Launch", undefined, error(400));
    await lifecycle(old, "CREATED", "Submit for Review");
    await moved(old, "Submit for Review", undefined, { headers: { authorization: `Bearer ${await withScope("appm:read appm:create appm:update")}` }, ...error(403, "appm:publish") });
});
await step("Submit for Review in three spellings, rejected twice", async () => {
    await moved(old, "Submit for Review", "Submit%20for%20Review");
    await lifecycle(old, "IN-REVIEW", "Approve", "Reject");
    await moved(old, "Reject", undefined, { reason: "The icon is wrong" });
    await lifecycle(old, "REJECTED", "Submit for Review");
    await moved(old, "Submit for Review", "Submit%23for%23Review");
    await moved(old, "Reject");
    await moved(old, "Submit for Review", "Submit%2520for%2520Review");
    await lifecycle(old, "IN-REVIEW", "Approve", "Reject");
});
await step("Approve, Publish", async () => {
    await moved(old, "Approve");
    await lifecycle(old, "APPROVED", "Publish");
    await moved(old, "Publish");
    await lifecycle(old, "PUBLISHED", "Unpublish", "Deprecate");
    await api("GET", at(old), { expected: { lifecycleState: "PUBLISHED" } });
});
await step("the history says from where, to where, when, who and why, the newest first", async () => {
    const states = ["Initial", "Created", "In-Review", "Rejected", "In-Review", "Rejected", "In-Review", "Approved", "Published"];
    const entry = i => ({ order: i, state: states[i - 1], targetState: states[i], user: details.provider, timestamp: HISTORY_TIME });
    const { json } = await api("GET", `${at(old)}/lifecycle-history`, { expected: { lifeCycleHistoryList: states.slice(1).map((_, i) => entry(states.length - 1 - i)) } });
    expect(json.lifeCycleHistoryList, containing({ targetState: "Rejected", reason: "The icon is wrong" }));
});

// ---- The same app in the RHMAP store

const rhmap = (operation, body, headers = {}) => ask("POST", `${url}/box/srv/1.1/${operation}`, { body, headers, expected: { status: "ok" } });
const session = await step("a phone signs in by $fh.auth", async () => {
    const { json: front } = await rhmap("mas/appstore/read", {});
    const body = { policyId: "FeedHenry", clientToken: front.guid, device: randomBytes(16).toString("hex").toUpperCase(), params: { userId: settings.username, password } };
    const { json } = await rhmap("admin/authpolicy/auth", body);
    return expect(json, { sessionToken: TOKEN }).sessionToken;
});
const items = async () => (await rhmap("mas/appstore/getstoreitems", {}, { "x-fh-auth-session": session })).json.list;
await step("it sees the published app, and its install link leads to the bytes that the publisher sent", async () => {
    const [item] = expect((await items()).filter(one => one.name === NAME), [{ description: "A calculator", binaries: [{ type: "android", url: /^http/ }] }]);
    expect(sha256(await bytesAt(item.binaries[0].url, { "x-fh-auth-session": session })), sha256(apk));
});
await step("the publisher sees who has it", async () => {
    await api("GET", `${at(old)}/subscriptions`, { expected: { userIds: exactly(details.provider) } });
    const row = { appId: old, appName: NAME, appVersion: "1.0.0", subscriptionCount: 1 };
    await api("GET", "/apps/mobileapp/stats/getSubscriptionCountsPerApp", { expected: { result: containing(row) } });
});
await step("the reverse: an item of the RHMAP store is an app here, and additem publishes it", async () => {
    const { json: login } = await ask("POST", `${url}/box/srv/1.1/act/sys/auth/login`, { body: { u: settings.username, p: password }, expected: { login: /./ } });
    const member = { cookie: `feedhenry=${login.login}` };
    const name = `Item ${run}`;
    const { json: item } = await rhmap("admin/storeitem/create", { name, description: "From the other side" }, member);
    const listed = async () => (await api("GET", `/apps/mobileapp?query=${encodeURIComponent(name)}`, { expected: { count: 1 } })).json.appSummaryList[0];
    const row = expect(await listed(), { name, description: "From the other side", lifecycleState: "CREATED", id: UUID });
    await rhmap("admin/appstore/additem", { guid: item.guid }, member);
    expect(await listed(), { id: row.id, lifecycleState: "PUBLISHED" });
    await moved(row.id, "Unpublish");
    expect((await rhmap("admin/appstore/read", {}, member)).json.storeitems, list => !list.includes(item.guid));
    await api("DELETE", at(row.id));
    await ask("POST", `${url}/box/srv/1.1/admin/storeitem/read`, { body: { guid: item.guid }, headers: member, status: 404, expected: { message: "invalid_guid" } });
});

// ---- The next version

const next = await step("create-new-version", async () => {
    const id = await create(`${at(old)}/create-new-version`, { name: NAME, version: "2.0.0", displayName: "Calculator 2" });
    expect(id, got => got !== old);
    await api("GET", at(id), { expected: { name: NAME, displayName: "Calculator 2", description: "A calculator", platform: "android", category: "Business", appmeta: { package: binary.package } } });
    await api("POST", `${at(old)}/create-new-version`, { body: { name: NAME, version: "2.0.0", displayName: "Calculator 2" }, ...error(409) });
    await lifecycle(old, "PUBLISHED", "Unpublish", "Deprecate");
    return id;
});
await step("it goes its own way to the store", async () => {
    for (const action of ["Submit for Review", "Approve", "Publish"]) await moved(next, action);
    await api("GET", `/apps/mobileapp?query=${NAME}`, { expected: { count: 2, appList: list => list.every(one => one.lifecycleState === "PUBLISHED") } });
});
await step("deprecate the old one: the phone sees only the new one", async () => {
    await moved(old, "Deprecate");
    await lifecycle(old, "DEPRECATED", "Retire");
    expect((await items()).filter(one => one.name === NAME), [{ binaries: [{ type: "android", url: /^http/ }] }]);
});
await step("retire it: nothing leads back", async () => {
    await moved(old, "Retire");
    await lifecycle(old, "RETIRED");
    await moved(old, "Re-Publish", undefined, error(400));
});
await step("delete it", async () => {
    expect((await api("DELETE", at(old))).text, "");
    await api("GET", at(old), error(404));
    await api("DELETE", at(old), error(404));
    await api("GET", `/apps/mobileapp?query=${NAME}`, { expected: { count: 1, appList: [{ id: next }] } });
});

// ---- Web apps

const webapps = await step("three web apps", async () => {
    const ids = [];
    for (const number of [1, 2, 3]) {
        const name = `web${run}n${number}`;
        ids.push(await create("/apps/webapp", { name, version: "1.0", displayName: name, description: "A web app", context: `/${name}`, transport: "https" }));
    }
    await api("POST", "/apps/webapp/validate-context?appContext=" + encodeURIComponent(`/web${run}n1`), { expected: { IsContextExists: true } });
    return ids;
});
await step("page by page, by the links of the answers, there and back", async () => {
    const seen = [];
    let page = `/apps/webapp?query=web${run}n&limit=1`;
    const pages = [];
    for (let i = 0; page !== "" && i < 10; i++) {
        const { json } = await api("GET", page, { expected: { count: 1, appSummaryList: list => list.length === 1, next: /^/, previous: i === 0 ? "" : /./ } });
        pages.push(json);
        seen.push(json.appSummaryList[0].id);
        page = json.next;
    }
    expect(seen, webapps);
    const { json: back } = await api("GET", pages[2].previous);
    expect(back.appSummaryList, [{ id: webapps[1] }]);
    const { json: start } = await api("GET", back.previous, { expected: { previous: "" } });
    expect(start.appSummaryList, [{ id: webapps[0] }]);
});
const web = `/apps/webapp/id/${webapps[0]}`;
await step("tags", async () => {
    await api("PUT", `${web}/tags`, { body: { tags: ["tagA", `t${run}`] } });
    await api("PUT", `${web}/tags`, { body: { tags: ["tagC"] } });
    await api("DELETE", `${web}/tags`, { body: { tags: ["tagA"] } });
    await api("GET", `${web}/tags`, { expected: { tags: exactly(`t${run}`, "tagC") } });
    const { json } = await api("GET", "/apps/webapp/tags");
    expect(json, containing({ name: `t${run}`, noOfOccurrences: 1 }));
});
await step("a document with its content", async () => {
    const { json } = await api("POST", `${web}/docs`, { body: { name: "Manual", type: "HOWTO", sourceType: "FILE", summary: "How to" }, status: 201, expected: { documentId: UUID, name: "Manual" }, fitting: made });
    const document = `${web}/docs/${json.documentId}`;
    const bytes = Buffer.from("%PDF-1.4\n%%EOF\n");
    await api("POST", `${document}/content`, { body: upload(bytes, "manual.pdf", "application/pdf") });
    const back = await api("GET", `${document}/content`, { fitting: { "content-disposition": /^attachment;.*manual\.pdf/ } });
    expect(sha256(back.bytes), sha256(bytes));
    await api("DELETE", document);
    await api("GET", document, error(404));
});
await step("a policy partial that an app uses stays until the app is gone", async () => {
    const condition =
        '<Condition><Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:any-of"><Function FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-equal"/>' +
        '<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">admin</AttributeValue><AttributeDesignator AttributeId="http://wso2.org/claims/role" ' +
        'Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject" DataType="http://www.w3.org/2001/XMLSchema#string" MustBePresent="true"/></Apply></Condition>';
    const body = { policyPartialName: `partial-${run}`, policyPartial: `<Rule Effect="Permit" RuleId="Rule001">${condition}</Rule>`, isSharedPartial: true };
    await api("POST", "/administration/xacmlpolicies/validate", { body });
    const { json } = await api("POST", "/administration/xacmlpolicies/", { body, status: CREATED, expected: { policyPartialId: Number.isInteger }, fitting: made });
    const partial = `/administration/xacmlpolicies/${json.policyPartialId}`;
    const name = `guarded${run}`;
    const group = { policyGroupName: "Guarded", throttlingTier: "Unlimited", userRoles: [], policyPartialMapping: [`${json.policyPartialId}`], allowAnonymousAccess: "false" };
    const id = await create("/apps/webapp", {
        name, version: "1.0", displayName: name, context: `/${name}`, policyGroups: [group], uriTemplates: [{ urlPattern: "/*", httpVerb: "GET", policyGroupName: "Guarded" }],
    });
    await api("GET", `/xacmlpolicies/${json.policyPartialId}/apps/webapp`, { expected: { count: 1, appList: [{ id, name }], appSummaryList: [{ id, name }] } });
    await api("DELETE", partial, error(412, name));
    await api("DELETE", `/apps/webapp/id/${id}`);
    await api("DELETE", partial);
    await api("GET", partial, error(404));
});

// ---- Clearing up, and the end of the tokens

await step("delete the rest", async () => {
    for (const id of webapps) await api("DELETE", `/apps/webapp/id/${id}`);
    await api("DELETE", at(next));
    await api("GET", `/apps/webapp?query=web${run}n`, { expected: { count: 0, next: "", previous: "", appList: [], appSummaryList: [] } });
    await api("GET", `/apps/mobileapp?query=${NAME}`, { expected: { count: 0 } });
    expect(await items(), without({ name: NAME }));
});
const second = await step("refresh grant: another token with the same scopes", async () => {
    const { json } = await token(client, { grant_type: "refresh_token", refresh_token: first.refresh_token }, { expected: { ...issued(ALL), refresh_token: TOKEN } });
    expect(json.access_token, got => got !== first.access_token);
    bearer = json.access_token;
    await api("GET", "/apps/mobileapp");
    return json;
});
await step("revoke: the token is out at once, and cannot be refreshed", async () => {
    await ask("POST", REVOKE, { headers: { authorization: basic(client.clientId, client.clientSecret) }, body: form({ token: second.access_token }) });
    await api("GET", "/apps/mobileapp", error(401));
    await token(client, { grant_type: "refresh_token", refresh_token: second.refresh_token }, { status: 400, expected: { error: "invalid_grant" } });
});

done();
