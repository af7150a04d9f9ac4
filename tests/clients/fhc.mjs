// Drives the unmodified fhc 7.2.0, and uploads straight to the storage as a build server would, against a server on fresh data.
// What fhc prints is judged, since its exit code says little. run.sh has the options.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { deflateSync } from "node:zlib";
import { ADMIN, ADMIN_API, Api, COLON_TIME, DOMAIN, GUID, Home, JAVA_TIME, KEY, containing, doing, done, expect, options, step, without } from "./steps.mjs";

const given = options("url", "password", "fhc", "settings", "work", "small", "medium", "large", "other");
const { url, password } = given;
const sha256 = bytes => createHash("sha256").update(bytes).digest("hex");

const home = new Home("home");
const store = (...args) => ["admin", "appstore", ...args];
const items = (...args) => store("storeitems", ...args);
const groups = (...args) => store("itemgroups", ...args);

// ---- Plain HTTP

const api = new Api(url);
const post = (...args) => api.post(...args);
const storeitem = (operation, body, expected, status) => post(`${ADMIN_API}/storeitem/${operation}`, body, expected, status);

// Fetches a binary as a device does: the redirect by hand, and without the session at the storage.
async function download(address, bytes) {
    doing(`GET ${address}`);
    const way = await fetch(address, { headers: { cookie: api.cookie }, redirect: "manual" });
    expect(way.status, status => status === 302 || status === 303 || status === 307);
    const location = way.headers.get("location");
    doing(`GET ${location}`);
    const answer = await fetch(location);
    const got = Buffer.from(await answer.arrayBuffer());
    expect(
        { status: answer.status, type: answer.headers.get("content-type"), disposition: answer.headers.get("content-disposition"), sha256: sha256(got) },
        { status: 200, type: "application/vnd.android.package-archive", disposition: /^attachment; .*\.apk/, sha256: sha256(bytes) },
    );
}

async function settled(uploadId) {
    for (const deadline = Date.now() + 60_000; ; await new Promise(resolve => setTimeout(resolve, 100))) {
        const answer = await storeitem("uploadstatus", { uploadId }, { status: "ok", state: /^(waiting|reading|attached|refused|expired)$/ });
        if ((answer.state !== "waiting" && answer.state !== "reading") || Date.now() > deadline) return answer;
    }
}

async function put(request, body, status = 200) {
    doing(`PUT ${request.url} (${body.length} bytes, ${JSON.stringify(request.headers ?? {})})`);
    const response = await fetch(request.url, { method: "PUT", headers: request.headers ?? {}, body });
    const text = await response.text();
    expect({ status: response.status, text }, { status });
    return response.headers.get("etag");
}

async function sendWhole(guid, file, bytes = readFileSync(file)) {
    const body = { guid, type: "android", size: bytes.length, fileName: basename(file), sha256: sha256(bytes) };
    const prepared = await storeitem("prepareupload", body, { uploadId: GUID, method: "PUT", url: /^http/, expires: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ });
    await put(prepared, bytes);
    return { prepared, ended: await settled(prepared.uploadId) };
}

// ---- What is in the packages

// As Android's own tools say it.
const KNOWN = {
    small: {
        identifier: "jp.co.cyberagent.stf", versionCode: "15", versionName: "2.5.5", minOs: "16", targetSdk: 30, label: "STFService",
        certificate: "bc42a3e1d3554dec88f90cd4bf8ddc2e4b6b6437ad17da569fa3f39a09c22009",
    },
    medium: {
        identifier: "io.appium.android.apis", versionCode: "25", versionName: "5.0.0", minOs: "17", targetSdk: 33, label: "API Demos",
        certificate: "18e8534fed30cbf9959e4073e723e3395a3f92fd6b41756d5fbc788f280c1107",
    },
    large: {
        identifier: "io.appium.uiautomator2.server", versionCode: "278", versionName: "10.6.6", minOs: "26", targetSdk: 34,
        label: "io.appium.uiautomator2.server", certificate: "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc",
    },
};
// The verifier does not take padding before the first entry, which the medium one has: its certificate is only a claim.
const SIGNATURES = {
    small: { state: "verified", schemes: [1, 2] },
    medium: { state: "unverified", reason: /first entry/ },
    large: { state: "verified", schemes: [1, 2, 3] },
};

function facts(read) {
    const { identifier, versionCode, versionName, minOs, targetSdk, label, permissions, signature } = read;
    return { identifier, versionCode, versionName, minOs, targetSdk, label, permissions: [...permissions].sort(), certificate: signature.certificateSha256 };
}

function androidTools(file) {
    const run = (tool, ...args) => {
        const ran = spawnSync(tool, args, { encoding: "utf8", maxBuffer: 64 << 20 });
        return ran.error ? undefined : ran.stdout;
    };
    const badging = run("aapt", "dump", "badging", file);
    const signer = run("apksigner", "verify", "--print-certs", file);
    if (badging === undefined || signer === undefined) return undefined;
    const found = (text, pattern) => (text.match(pattern) ?? [])[1];
    const all = pattern => [...badging.matchAll(pattern)].map(match => match[1]);
    // aapt lists permissions that it only infers, too.
    const inferred = all(/^uses-implied-permission: name='([^']*)'/gm);
    const identifier = found(badging, /^package: name='([^']*)'/m);
    return {
        identifier,
        versionCode: found(badging, /^package: .*versionCode='([^']*)'/m),
        versionName: found(badging, /^package: .*versionName='([^']*)'/m),
        minOs: found(badging, /^sdkVersion:'(.*)'/m),
        targetSdk: Number(found(badging, /^targetSdkVersion:'(.*)'/m)),
        label: found(badging, /^application-label:'(.*)'$/m) || identifier,
        permissions: [...new Set(all(/^uses-permission: name='([^']*)'/gm))].filter(name => !inferred.includes(name)).sort(),
        certificate: found(signer, /^Signer #1 certificate SHA-256 digest: (.*)$/m),
    };
}

async function readTells(guid, which, version) {
    const bytes = readFileSync(given[which]);
    const file = { fileName: basename(given[which]), size: bytes.length, sha256: sha256(bytes), platform: "android" };
    const item = await storeitem("read", { guid }, {
        binaries: [{ type: "android", storeItemBinaryVersion: version, package: { ...file, signature: SIGNATURES[which] } }],
    });
    const ours = facts(item.binaries[0].package);
    expect(ours, { ...KNOWN[which], permissions: list => list.length > 5 });
    const theirs = androidTools(given[which]);
    if (theirs !== undefined) {
        doing(`aapt dump badging and apksigner verify ${basename(given[which])}`);
        expect(ours, theirs);
    }
    return theirs === undefined;
}

// A PNG with a gradient.
function png(side) {
    const crc = bytes => {
        let sum = ~0;
        for (const byte of bytes) {
            sum ^= byte;
            for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
        }
        return ~sum >>> 0;
    };
    const number = value => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
    };
    const chunk = (type, data) => {
        const body = Buffer.concat([Buffer.from(type), data]);
        return Buffer.concat([number(data.length), body, number(crc(body))]);
    };
    const rows = [];
    for (let y = 0; y < side; y++) {
        const row = Buffer.alloc(1 + side * 3);
        for (let x = 0; x < side; x++) row.set([(x * 255) / side, (y * 255) / side, 128], 1 + x * 3);
        rows.push(row);
    }
    const header = Buffer.concat([number(side), number(side), Buffer.from([8, 2, 0, 0, 0])]);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]);
}

function isListedIcon(text) {
    const bytes = Buffer.from(text ?? "", "base64");
    return bytes.length > 100 && bytes.length <= 16 * 1024 && bytes.subarray(1, 4).toString() === "PNG";
}

const textFile = join(given.work, "notes.apk");
writeFileSync(textFile, "This is a text and no app.\n".repeat(40));
const iconFile = join(given.work, "icon.png");
writeFileSync(iconFile, png(300));

// ---- Signing in

await step("fhc target", async () => {
    await home.fhc("target", url);
    expect(home.settings, { feedhenry: address => address === url || address === `${url}/` });
});
await step("fhc login with a wrong password fails", async () => {
    await home.refused(["login", ADMIN, "wrong"]);
    expect(home.settings, { cookie: undefined });
    await post("/box/srv/1.1/act/sys/auth/login", { u: ADMIN, p: "wrong" }, { status: "error", result: "fail", reason: /./, login: undefined }, 401);
});
await step("fhc without a login fails", () => home.refused(items("read", "--id=aaaaaaaaaaaaaaaaaaaaaaaa", "--json")));
await step("fhc login", async () => {
    await home.fhc("login", ADMIN, password);
    expect(home.settings, { cookie: /^.{24,}$/, domain: DOMAIN, username: ADMIN });
});
await step("fhc login with the domain", async () => {
    const named = new Home("home-of-a-domain", `feedhenry = ${url}/\n`);
    await named.fhc("login", ADMIN, password, DOMAIN);
    expect(named.settings, { cookie: /^.{24,}$/, domain: DOMAIN });
    await named.refused(["login", ADMIN, password, "nosuchdomain"]);
});
const me = await step("fhc user", () => home.json(["user"], { email: ADMIN, userName: /./, guid: GUID, roles: list => list.length > 0 }));
await step("a login by HTTP sets the cookie", async () => {
    doing("POST /box/srv/1.1/act/sys/auth/login");
    const body = JSON.stringify({ u: "admin", p: password });
    const response = await fetch(`${url}/box/srv/1.1/act/sys/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const answer = expect(await response.json(), { status: "ok", result: "ok", login: /^.{24,}$/, domain: DOMAIN });
    expect(response.headers.get("set-cookie"), line => line.startsWith(`feedhenry=${answer.login};`) && line.includes("HttpOnly"));
    api.cookie = `feedhenry=${answer.login}`;
});

// ---- API keys

const key = await step("fhc keys user add", async () => {
    const answer = await home.json(["keys", "user", "add", "--label=ci"], { apiKey: { label: "ci", key: KEY, keyType: "user", revoked: null } });
    return answer.apiKey.key;
});
await step("fhc keys user list", () => home.json(["keys", "user", "list"], { list: containing({ label: "ci", key }) }));
await step("fhc keys user list as a table", async () => expect(await home.fhc("keys", "user", "list"), text => text.includes(key)));
await step("fhc keys user read", () => home.json(["keys", "user", "read", "--label=ci"], { label: "ci", key }));
await step("fhc keys user update", async () => {
    await home.json(["keys", "user", "update", "--label=ci", "--value=build"], { apiKey: { label: "build", key } });
    await home.json(["keys", "user", "list"], { list: list => containing({ label: "build", key })(list) && without({ label: "ci" })(list) });
});
const byKey = new Home("home-by-key", `feedhenry = ${url}/\ndomain = ${DOMAIN}\nuser_api_key = ${key}\n`);
const keyItem = await step("fhc by API key, without a cookie: storeitems create and read", async () => {
    const made = await byKey.json(items("create", "--name=Made by key"), { guid: GUID, name: "Made by key" });
    await byKey.json(items("read", `--id=${made.guid}`), { guid: made.guid, name: "Made by key", binaries: [] });
    expect(byKey.settings, { cookie: undefined });
    return made.guid;
});
await step("fhc by API key: uploadbinary", async () => {
    await byKey.json(items("uploadbinary", `--id=${keyItem}`, "--type=android", `--binary=${given.other}`), {
        guid: keyItem, binaries: [{ type: "android", storeItemBinaryVersion: 1 }],
    });
});
await step("fhc with the settings that the server wrote", async () => {
    const ready = new Home("home-of-settings");
    copyFileSync(given.settings, ready.file);
    await ready.json(["keys", "user", "list"], { list: containing({ key: ready.settings.user_api_key }) });
});
await step("fhc call api/validate and api/revoke: a revoked key is out at once", async () => {
    await home.call(`/box/srv/1.1/ide/${DOMAIN}/api/validate`, { type: "user", key }, { valid: true });
    await home.call(`/box/srv/1.1/ide/${DOMAIN}/api/revoke`, { key }, { apiKey: { key, revoked: /./, revokedEmail: ADMIN } });
    await byKey.refused(items("read", `--id=${keyItem}`, "--json"), "401");
    await home.call(`/box/srv/1.1/ide/${DOMAIN}/api/validate`, { type: "user", key }, { valid: false });
});
await step("fhc keys user delete", async () => {
    await home.json(["keys", "user", "delete", "--label=build"], { apiKey: { key } });
    await home.json(["keys", "user", "list"], { list: without({ key }) });
    await home.refused(["keys", "user", "read", "--label=build", "--json"], "Key not found");
});

// ---- The store and its items

const front = await step("fhc admin appstore read", () => home.json(store("read"), { guid: GUID, name: /./, authpolicies: [GUID], storeitems: [] }));
const policy = front.authpolicies[0];
await step("fhc admin appstore update", async () => {
    await home.json(store("update", "--name=Depot of Example", "--description=All our apps"), {
        guid: front.guid, name: "Depot of Example", description: "All our apps", authpolicies: [policy],
    });
});
await step("fhc admin appstore updatefield", async () => {
    await home.json(store("updatefield", "--name=description", "--value=Apps for everybody"), { name: "Depot of Example", description: "Apps for everybody" });
});
await step("fhc admin appstore policy list, delete, add", async () => {
    await home.json(store("policy", "list"), { list: [policy] });
    await home.json(store("policy", "delete", `--id=${policy}`), { status: "ok" });
    await home.json(store("policy", "list"), { list: [] });
    await home.json(store("policy", "add", `--id=${policy}`), { status: "ok" });
    await home.json(store("policy", "list"), { list: [policy] });
    await home.json(store("read"), { authpolicies: [policy] });
});
const item = await step("fhc admin appstore storeitems create", async () => {
    const made = await home.json(items("create", "--name=Field Service", "--description=For the field", "--authToken=tok"), {
        status: "ok", guid: GUID, name: "Field Service", description: "For the field", authToken: "tok",
        binaries: [], authpolicies: [], groups: [], restrictToGroups: false,
    });
    return made.guid;
});
const numbered = await step("fhc storeitems create with a name of digits, which fhc sends as a number", async () => {
    const made = await home.json(items("create", "--name=2048", "--description=1", "--authToken=7"), { guid: GUID, name: "2048", description: "1", authToken: "7" });
    return made.guid;
});
await step("fhc storeitems create without --json", async () => expect(await home.fhc(...items("create", "--name=Plain")), /created successfully/));
await step("fhc storeitems read", () => home.json(items("read", `--id=${item}`), { guid: item, name: "Field Service", icon: "" }));
await step("fhc storeitems update", async () => {
    await home.json(items("update", `--id=${item}`, "--name=Field Service 2", "--description=Still", "--restrictToGroups=true"), {
        guid: item, name: "Field Service 2", description: "Still", restrictToGroups: true, authToken: "tok",
    });
    // fhc always sends the flag.
    await home.json(items("update", `--id=${item}`, "--name=Field Service 2"), { description: "Still", restrictToGroups: false });
});
await step("fhc storeitems list", async () => {
    await home.json(items("list"), {
        count: 4, list: list => list.length === 4 && containing({ guid: item, name: "Field Service 2" })(list) && containing({ guid: numbered })(list),
    });
    expect(await home.fhc(...items("list")), text => text.includes(item) && text.includes("Field Service 2"));
});
await step("fhc storeitems read of what is not there fails", async () => {
    await home.refused(items("read", "--id=aaaaaaaaaaaaaaaaaaaaaaaa", "--json"), "404", "invalid_guid");
    await home.refused(items("read", "--id=short", "--json"), "invalid_guid");
});
await step("fhc storeitems add, and call appstore/removeitem", async () => {
    await home.json(items("add", `--id=${item}`), { status: "ok" });
    await home.json(store("read"), { storeitems: [item] });
    await home.call(`${ADMIN_API}/appstore/removeitem`, { guid: item });
    await home.json(store("read"), { storeitems: [] });
});
await step("fhc admin appstore update --apps", async () => {
    await home.json(store("update", `--apps=${numbered},${item}`), { storeitems: list => [...list].sort().join() === [item, numbered].sort().join(), name: "Depot of Example" });
    await home.json(store("update", `--apps=${item}`), { storeitems: [item] });
    await home.call(`${ADMIN_API}/appstore/liststoreitems`, {}, { list: [{ guid: item }] });
});
await step("fhc storeitems addpolicy, listpolicies, delpolicy", async () => {
    await home.json(items("addpolicy", `--id=${item}`, `--policy=${policy}`), { guid: item, authpolicies: [policy], list: [{ guid: item }] });
    await home.json(items("listpolicies", `--id=${item}`), { list: [policy] });
    await home.json(items("delpolicy", `--id=${item}`, `--policy=${policy}`), { guid: item, authpolicies: [] });
    await home.json(items("listpolicies", `--id=${item}`), { list: [] });
    await home.refused(items("addpolicy", `--id=${item}`, "--policy=aaaaaaaaaaaaaaaaaaaaaaaa", "--json"), "404");
});

// ---- Binaries through fhc

const small = readFileSync(given.small);
const upload = (file, type = "android") => items("uploadbinary", `--id=${item}`, `--type=${type}`, `--binary=${file}`);
const firstUpload = await step(`fhc storeitems uploadbinary (${basename(given.small)}, ${small.length} bytes)`, async () => {
    const answer = await home.json(upload(given.small), {
        status: "ok", guid: item, name: "Field Service 2", icon: isListedIcon,
        binaries: [{ type: "android", storeItemBinaryVersion: 1, versions: [], sysModified: JAVA_TIME, url: /\/mas\/storeitem\/install\?guid=[a-z2-7]{24}$/ }],
    });
    return answer;
});
await step("what storeitem/read tells of it is what Android's tools tell", () => readTells(item, "small", 1));
await step("fhc storeitems uploadbinary again: version 2, and one old version", async () => {
    await home.json(upload(given.small), {
        binaries: [{ storeItemBinaryVersion: 2, url: firstUpload.binaries[0].url, versions: [{ storeItemBinaryVersion: 1 }] }],
    });
});
const old = await step("fhc storeitems binaryversions", async () => {
    const answer = await home.json(items("binaryversions", `--id=${item}`), {
        name: "Field Service 2",
        versions: [{ destinationCode: "android", storeItemBinaryVersion: 1, storeItemBinaryGuid: GUID, storeItemBinaryModified: JAVA_TIME, url: /guid=/ }],
    });
    return answer.versions[0];
});
await step("fhc storeitems uploadicon", async () => {
    const answer = await home.json(items("uploadicon", `--id=${item}`, `--icon=${iconFile}`), { guid: item, icon: isListedIcon });
    expect(answer.icon, icon => icon !== firstUpload.icon);
    await home.json(items("list"), { list: containing({ guid: item, icon: answer.icon }) });
    await home.refused(items("uploadicon", `--id=${item}`, `--icon=${textFile}`, "--json"), "400", "not_an_archive");
});
await step("fhc storeitems uploadbinary of a text is refused: not_an_archive", async () => {
    await home.refused(upload(textFile), "400", /"message": ?"not_an_archive: ./);
});
await step("fhc storeitems uploadbinary of another app is refused: wrong_identifier", async () => {
    await home.refused(upload(given.other), "400", /"message": ?"wrong_identifier: ./, "io.appium.uiautomator2.server.test", "jp.co.cyberagent.stf");
});
await step("fhc storeitems uploadbinary of an APK as iphone is refused: wrong_type", async () => {
    await home.refused(upload(given.small, "iphone"), "400", /"message": ?"wrong_type: ./);
});
await step("fhc storeitems uploadbinary of more than a function takes is refused: 413", () => home.refused(upload(given.medium), "413"));
await step("none of the refused ones became a version", async () => {
    await home.json(items("read", `--id=${item}`), { binaries: [{ type: "android", storeItemBinaryVersion: 2, versions: [{ storeItemBinaryVersion: 1 }] }] });
});

// ---- Groups

const group = await step("fhc itemgroups create", async () => {
    const made = await home.json(groups("create", "--name=Engineers", "--description=Those in the field"), { guid: GUID, name: "Engineers" });
    await home.json(groups("create", "--name=Office", "--description=The others"), { guid: GUID, name: "Office" });
    await home.refused(groups("create", "--name=Engineers", "--description=Again", "--json"), "group names must be unique");
    return made.guid;
});
await step("fhc itemgroups list", async () => {
    await home.json(groups("list"), { count: 2, list: list => list.length === 2 && containing({ guid: group, name: "Engineers", count: 0 })(list) });
    await home.json(groups("list", "--name=Office"), { list: [{ name: "Office" }] });
});
await step("fhc itemgroups read, readByName", async () => {
    await home.json(groups("read", `--guid=${group}`), { guid: group, name: "Engineers", description: "Those in the field", storeitems: [], users: [] });
    await home.json(groups("readByName", "--name=Engineers"), { guid: group, name: "Engineers" });
});
await step("fhc itemgroups update", async () => {
    await home.json(groups("update", `--guid=${group}`, "--name=Field engineers"), { guid: group, name: "Field engineers", description: "Those in the field" });
    await home.json(groups("read", `--guid=${group}`), { name: "Field engineers" });
});
await step("fhc storeitems addgroups, grouprestrict, delgroups", async () => {
    await home.json(items("addgroups", `--id=${item}`, `--group=${group}`), { guid: item, groups: [group], list: [{ groups: [group] }] });
    await home.json(groups("read", `--guid=${group}`), { storeitems: [item], count: 1 });
    await home.json(items("grouprestrict", `--id=${item}`, "--restrictToGroups=true"), { guid: item, restrictToGroups: true });
    await home.json(items("grouprestrict", `--id=${item}`, "--restrictToGroups=false"), { guid: item, restrictToGroups: false });
    await home.json(items("delgroups", `--id=${item}`, `--group=${group}`), { guid: item, groups: [] });
    await home.json(groups("read", `--guid=${group}`), { storeitems: [] });
});
await step("fhc itemgroups items add, delete", async () => {
    await home.json(groups("items", "add", `--guid=${group}`, `--item=${item}`), { guid: group, storeitems: [item] });
    await home.json(items("read", `--id=${item}`), { groups: [group] });
    await home.json(groups("items", "delete", `--guid=${group}`, `--item=${item}`), { guid: group, storeitems: [] });
    await home.json(items("read", `--id=${item}`), { groups: [] });
});
await step("fhc itemgroups users add, delete", async () => {
    await home.json(groups("users", "add", `--guid=${group}`, `--user=${me.guid}`), { guid: group, users: [me.guid] });
    await home.json(groups("read", `--guid=${group}`), { users: [me.guid] });
    await home.json(groups("users", "delete", `--guid=${group}`, `--user=${me.guid}`), { guid: group, users: [] });
    await home.refused(groups("users", "add", `--guid=${group}`, "--user=nobody@example.com", "--json"), "User not found");
});

// ---- Installing, and its log

const binaryUrl = firstUpload.binaries[0].url;
await step("the binary's url leads to the bytes that were uploaded", () => download(binaryUrl, small));
await step("the url of the old version does too", () => download(old.url, small));
await step("without a session there is nothing to download", async () => {
    doing(`GET ${binaryUrl}`);
    const response = await fetch(binaryUrl, { redirect: "manual" });
    expect({ status: response.status, location: response.headers.get("location") }, { status: 401, location: null });
});
await step("fhc auditlog list", async () => {
    const row = {
        storeItemGuid: item, storeItemBinaryGuid: old.storeItemBinaryGuid, storeItemBinaryType: "android", storeItemTitle: "Field Service 2",
        userId: me.userName, userGuid: me.guid, deviceId: "", domain: DOMAIN, ipAddress: "127.0.0.1", sysCreated: COLON_TIME,
    };
    const both = [{ ...row, storeItemBinaryVersion: 1 }, { ...row, storeItemBinaryVersion: 2 }];
    await home.json(store("auditlog", "list"), { list: both });
    await home.json(store("auditlog", "list", "--limit=1"), { list: [both[0]] });
    await home.json(store("auditlog", "list", `--itemId=${item}`), { list: both });
    await home.json(store("auditlog", "list", `--itemId=${old.storeItemBinaryGuid}`, "--type=android", `--userId=${me.userName}`), { list: both });
    await home.json(store("auditlog", "list", "--type=iphone"), { list: [] });
    expect(await home.fhc(...store("auditlog", "list")), text => text.includes("Field Service 2"));
});

// ---- An app's user

const appUser = await step("fhc.auth (the module) and fhc session verify", async () => {
    const params = { policy: "FeedHenry", app: front.guid, device: "0123456789ABCDEF0123456789ABCDEF", params: { userId: ADMIN, password } };
    const answer = expect(await home.auth(params), { status: "ok", sessionToken: /^.{24,}$/, userId: me.userName });
    await home.json(["session", "verify", `--token=${answer.sessionToken}`], { isValid: true });
    await home.json(["session", "verify", "--token=nosuchsession"], { isValid: false });
    return answer.sessionToken;
});
await step("an app's user sees the store's items and installs; the log names his device", async () => {
    const answer = await post(`/box/srv/1.1/mas/appstore/getstoreitems?fh_auth_session=${appUser}`, {}, {
        list: [{ guid: item, binaries: [{ type: "android", url: binaryUrl }] }], storeitems: [{ targets: [{ type: "android" }] }],
    });
    doing(`GET ${answer.list[0].binaries[0].url}`);
    const way = await fetch(answer.list[0].binaries[0].url, { headers: { "x-fh-auth-session": appUser }, redirect: "manual" });
    expect(way.status, 302);
    await home.json(store("auditlog", "list", "--deviceId=0123456789ABCDEF0123456789ABCDEF"), {
        list: [{ deviceId: "0123456789ABCDEF0123456789ABCDEF", storeItemBinaryVersion: 2, userId: me.userName }],
    });
});

// ---- Uploads straight to the storage

const [demos, tester] = await step("storeitem/create by HTTP", async () => {
    const made = [];
    for (const name of ["API Demos", "UiAutomator2"]) made.push(await storeitem("create", { name }, { status: "ok", guid: GUID, name, binaries: [] }));
    return made.map(one => one.guid);
});
const demosUpload = await step(`direct upload in one request (${basename(given.medium)}, ${readFileSync(given.medium).length} bytes)`, async () => {
    const { prepared, ended } = await sendWhole(demos, given.medium);
    doing("storeitem/uploadstatus");
    expect(ended, { uploadId: prepared.uploadId, state: "attached", storeItemBinaryVersion: 1, reason: undefined });
    return prepared;
});
const unchecked = await step("storeitem/read tells what Android's tools tell of it", () => readTells(demos, "medium", 1));
await step("it downloads as it was uploaded", async () => {
    const read = await storeitem("read", { guid: demos }, { icon: isListedIcon });
    await download(read.binaries[0].url, readFileSync(given.medium));
});
await step("an upload that was attached cannot be aborted, nor sent a second time", async () => {
    await storeitem("abortupload", { uploadId: demosUpload.uploadId }, { status: "error", message: /./ }, 409);
    const again = await fetch(demosUpload.url, { method: "PUT", headers: demosUpload.headers, body: readFileSync(given.medium) });
    await again.arrayBuffer();
    await new Promise(resolve => setTimeout(resolve, 2_000));
    await storeitem("uploadstatus", { uploadId: demosUpload.uploadId }, { state: "attached", storeItemBinaryVersion: 1 });
    await storeitem("read", { guid: demos }, { binaries: [{ storeItemBinaryVersion: 1, versions: [] }] });
});

const PART = 5 << 20;
const large = readFileSync(given.large);
const pieces = Array.from({ length: Math.ceil(large.length / PART) }, (_, i) => large.subarray(i * PART, (i + 1) * PART));
await step(`direct upload in ${pieces.length} parts (${basename(given.large)}, ${large.length} bytes)`, async () => {
    const body = { guid: tester, type: "android", size: large.length, fileName: basename(given.large), parts: pieces.length };
    const numbers = pieces.map((_, i) => ({ partNumber: i + 1, url: /^http/ }));
    const prepared = await storeitem("prepareupload", body, { uploadId: GUID, parts: numbers, url: undefined, expires: /Z$/ });
    const parts = await Promise.all(prepared.parts.map(async part => ({ partNumber: part.partNumber, etag: await put(part, pieces[part.partNumber - 1]) })));
    const whole = { uploadId: prepared.uploadId, parts };
    await storeitem("uploadstatus", { uploadId: prepared.uploadId }, { state: "waiting" });
    await storeitem("completeupload", whole);
    await storeitem("completeupload", whole);
    const ended = await settled(prepared.uploadId);
    doing("storeitem/uploadstatus");
    expect(ended, { state: "attached", storeItemBinaryVersion: 1 });
    await storeitem("completeupload", whole, { status: "ok", state: "attached", storeItemBinaryVersion: 1 });
});
await step("storeitem/read tells what Android's tools tell of it", () => readTells(tester, "large", 1));
await step("it downloads as it was uploaded", async () => {
    const read = await storeitem("read", { guid: tester }, { binaries: [{ storeItemBinaryVersion: 1, versions: [] }] });
    await download(read.binaries[0].url, large);
});
await step("wrong parts are refused, and the right ones still taken", async () => {
    const size = PART + 1000;
    const body = { guid: tester, type: "android", size, fileName: "half.apk", parts: 2 };
    const prepared = await storeitem("prepareupload", body, { parts: [{ partNumber: 1 }, { partNumber: 2 }] });
    const parts = [];
    for (const [i, bytes] of [large.subarray(0, PART), large.subarray(PART, size)].entries()) {
        parts.push({ partNumber: i + 1, etag: await put(prepared.parts[i], bytes) });
    }
    const uploadId = prepared.uploadId;
    await storeitem("completeupload", { uploadId, parts: [] }, { status: "error", message: /^invalid_parts/ }, 400);
    await storeitem("completeupload", { uploadId, parts: [parts[0], { partNumber: 2, etag: '"00000000000000000000000000000000"' }] }, { status: "error", message: /^invalid_parts/ }, 400);
    await storeitem("completeupload", { uploadId, parts });
    const ended = await settled(uploadId);
    // It is the first third of an APK.
    expect(ended, { state: "refused", reason: /^(truncated|not_an_archive|unreadable): ./ });
});
await step("parts below 5 MiB are not prepared", async () => {
    await storeitem("prepareupload", { guid: tester, type: "android", size: PART, fileName: "a.apk", parts: 2 }, { status: "error", message: /^invalid_parts/ }, 400);
});
await step("storeitem/abortupload", async () => {
    const whole = await storeitem("prepareupload", { guid: demos, type: "android", size: small.length, fileName: "a.apk" }, { uploadId: GUID });
    await storeitem("abortupload", { uploadId: whole.uploadId });
    await storeitem("uploadstatus", { uploadId: whole.uploadId }, { state: "refused", reason: /^aborted: ./ });
    const body = { guid: demos, type: "android", size: large.length, fileName: "a.apk", parts: pieces.length };
    const inParts = await storeitem("prepareupload", body, { uploadId: GUID });
    await put(inParts.parts[0], pieces[0]);
    await storeitem("abortupload", { uploadId: inParts.uploadId });
    await put(inParts.parts[1], pieces[1].subarray(0, 1000), 404);
    await storeitem("uploadstatus", { uploadId: inParts.uploadId }, { state: "refused", reason: /^aborted: ./ });
    await storeitem("abortupload", { uploadId: "aaaaaaaaaaaaaaaaaaaaaaaa" }, { status: "error", message: "invalid_uploadId" }, 404);
    await storeitem("read", { guid: demos }, { binaries: [{ storeItemBinaryVersion: 1, versions: [] }] });
});
await step("a direct upload of a text is refused: not_an_archive", async () => {
    const { ended } = await sendWhole(demos, textFile);
    expect(ended, { state: "refused", reason: /^not_an_archive: ./, storeItemBinaryVersion: undefined });
});
await step("a direct upload of another app is refused: wrong_identifier", async () => {
    const { ended } = await sendWhole(demos, given.small);
    expect(ended, { state: "refused", reason: /^wrong_identifier: / });
    await storeitem("read", { guid: demos }, { binaries: [{ storeItemBinaryVersion: 1, versions: [] }] });
});
await step("the storage takes no other bytes than those that were announced", async () => {
    const body = { guid: demos, type: "android", size: small.length, fileName: "a.apk", sha256: sha256(small) };
    const prepared = await storeitem("prepareupload", body, { uploadId: GUID });
    const changed = Buffer.from(small);
    changed[1000] ^= 1;
    await put(prepared, changed, status => status === 400 || status === 403);
    await storeitem("uploadstatus", { uploadId: prepared.uploadId }, { state: "waiting" });
});
await step("a direct upload to an item that fhc filled adds a version, and fhc shows it", async () => {
    const { ended } = await sendWhole(item, given.small);
    expect(ended, { state: "attached", storeItemBinaryVersion: 3 });
    await home.json(items("binaryversions", `--id=${item}`), { versions: [{ storeItemBinaryVersion: 2 }, { storeItemBinaryVersion: 1 }] });
});

// ---- Going back, and clearing up

await step("fhc call storeitem/rollback makes version 1 the live one", async () => {
    await home.call(`${ADMIN_API}/storeitem/rollback`, { guid: item, type: "android", version: 1 }, { guid: item });
    await home.json(items("read", `--id=${item}`), {
        binaries: [{ storeItemBinaryVersion: 1, url: binaryUrl, versions: [{ storeItemBinaryVersion: 3 }, { storeItemBinaryVersion: 2 }] }],
    });
    await download(binaryUrl, small);
    await home.json(store("auditlog", "list", "--limit=1"), { list: [{ storeItemGuid: item, storeItemBinaryVersion: 1 }] });
    await storeitem("rollback", { guid: item, type: "android", version: 9 }, { status: "error", message: "invalid_version" }, 404);
});
await step("fhc itemgroups delete", async () => {
    await home.json(items("addgroups", `--id=${item}`, `--group=${group}`), { groups: [group] });
    await home.json(groups("delete", `--guid=${group}`), { status: "ok" });
    await home.json(groups("list"), { list: [{ name: "Office" }] });
    await home.refused(groups("read", `--guid=${group}`, "--json"), "404");
    // The item's reference stays, so that nobody sees more than before; it can be taken away.
    await home.json(items("read", `--id=${item}`), { groups: [group] });
    await home.json(items("delgroups", `--id=${item}`, `--group=${group}`), { groups: [] });
});
await step("fhc storeitems delete", async () => {
    await home.json(items("delete", `--id=${item}`), { status: "ok" });
    await home.refused(items("read", `--id=${item}`, "--json"), "404", "invalid_guid");
    await home.json(store("read"), { storeitems: [] });
    await home.json(items("list"), { list: without({ guid: item }) });
    doing(`GET ${binaryUrl}`);
    expect((await fetch(binaryUrl, { headers: { cookie: api.cookie }, redirect: "manual" })).status, 404);
    // The log outlives what it is about.
    await home.json(store("auditlog", "list", "--limit=1"), { list: [{ storeItemGuid: item, storeItemTitle: "Field Service 2" }] });
});
await step("fhc logout: the session is out at once", async () => {
    const session = home.settings.cookie;
    await home.fhc("logout");
    expect(home.settings, { cookie: undefined });
    await home.refused(items("read", `--id=${demos}`, "--json"));
    doing("POST storeitem/read with the cookie of before");
    const headers = { "content-type": "application/json", cookie: `feedhenry=${session}` };
    const response = await fetch(`${url}${ADMIN_API}/storeitem/read`, { method: "POST", headers, body: JSON.stringify({ guid: demos }) });
    expect({ status: response.status, answer: await response.json() }, { status: 401, answer: { status: "error", address: { "login-status": "none" } } });
});

if (unchecked) console.log("aapt and apksigner are not installed: the packages were compared with what is known of them");
done();
