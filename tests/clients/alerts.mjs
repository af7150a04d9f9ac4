// Drives the unmodified fhc 7.2.0 through alerts, notifications and endpoint security, and an app's host through its reports and its
// decisions, against a server on fresh data. run.sh has the options.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ADMIN, ADMIN_API, Api, COLON_TIME, DOMAIN, GUID, Home, KEY, containing, doing, done, expect, options, step, without } from "./steps.mjs";

const given = options("url", "password", "fhc", "work", "small");
const { url, password } = given;

const home = new Home("home-of-operations");
const alerts = (...args) => ["eventalert", ...args];
const endpoints = (...args) => ["secureendpoints", ...args];
const SECONDS = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const MINUTES = /^\d{4}-\d\d-\d\d \d\d:\d\d$/;
const JAVA_UTC = /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4}$/;
const saying = (...texts) => out => texts.every(text => out.includes(text));

async function request(method, path, headers, body) {
    doing(`${method} ${path} ${JSON.stringify(body ?? null)}`);
    const response = await fetch(`${url}${path}`, {
        method, headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
}
const evaluate = expected => request("POST", "/local/schedule/alert-evaluation").then(answer => expect(answer, { status: 200, body: expected }));
const mails = async () => (await request("GET", "/local/mail", { accept: "application/json" })).body;

await home.fhc("target", url);
await home.fhc("login", ADMIN, password);
const api = new Api(url);
await api.login(ADMIN, password);

const item = await home.json(["admin", "appstore", "storeitems", "create", "--name=Rounds & <b>Visits</b>", "--description=For the ward"], { guid: GUID });
const app = item.guid;
const of_app = [`--app=${app}`, "--env=dev"];
const key = await step("an API key for the app's host", async () => {
    const made = await api.post(`/box/srv/1.1/ide/${DOMAIN}/api/create`, { type: "app", appId: app, label: "host" }, { status: "ok" });
    return expect(made.apiKey.key, KEY);
});
const host = { "x-fh-auth-app": key };

// ---- Alerts

await step("fhc eventalert list: none yet", async () => {
    expect(await home.fhc(...alerts("list", ...of_app)), saying("Alerts not found", app));
    await home.json(alerts("list", ...of_app), { status: "ok", list: [] });
});
const crashed = await step("fhc eventalert create", async () => {
    const args = ["--name=It crashed", "--categories=APP_STATE", "--severities=ERROR,FATAL", "--events=CRASHED", "--emails=ops@example.com, night@example.com"];
    return home.json(alerts("create", ...of_app, ...args), {
        status: "ok", guid: GUID, uid: app, env: "dev", alertName: "It crashed", emails: "ops@example.com, night@example.com", enabled: true,
        eventCategories: "APP_STATE", eventSeverities: "ERROR,FATAL", eventNames: "CRASHED", sysCreated: SECONDS, sysModified: SECONDS,
    });
});
await step("fhc eventalert create, as a table: any name", async () => {
    const args = ["--name=Anything bad", "--categories=", "--severities=FATAL", "--events=", "--emails=ops@example.com"];
    expect(await home.fhc(...alerts("create", ...of_app, ...args)), saying("Anything bad", "FATAL"));
});
await step("fhc eventalert list, read", async () => {
    const { list } = await home.json(alerts("list", ...of_app), { list: list => list.length === 2 });
    expect(list, containing({ guid: crashed.guid, eventNames: "CRASHED" }));
    expect(await home.fhc(...alerts("list", ...of_app)), saying("It crashed", "Anything bad"));
    await home.json(alerts("read", ...of_app, `--id=${crashed.guid}`), { guid: crashed.guid, alertName: "It crashed" });
});
await step("fhc eventalert update", async () => {
    const updated = { guid: crashed.guid, alertName: "It is down", eventSeverities: "ERROR,FATAL", emails: "ops@example.com, night@example.com" };
    await home.json(alerts("update", ...of_app, `--id=${crashed.guid}`, "--name=It is down", "--events=CRASHED,APP_TERMINATED"), updated);
    await home.json(alerts("read", ...of_app, `--id=${crashed.guid}`), { ...updated, eventNames: "CRASHED,TERMINATED" });
});
await step("fhc eventalert clone, delete", async () => {
    const copy = await home.json(alerts("clone", ...of_app, `--id=${crashed.guid}`, "--name=A copy"), { guid: GUID, alertName: "A copy", eventNames: "CRASHED,TERMINATED" });
    await home.json(alerts("delete", ...of_app, `--id=${copy.guid}`), { guid: copy.guid, alertName: "A copy" });
    expect((await home.json(alerts("list", ...of_app))).list, without({ guid: copy.guid }));
    expect(await home.fhc(...alerts("read", ...of_app, `--id=${copy.guid}`)), saying("Alert not found"));
});
await step("fhc eventalert create: a name that does not fit is refused, with words that say which", async () => {
    const args = ["--name=Wrong", "--categories=APP_RESOURCES", "--severities=", "--events=CRASHED", "--emails=ops@example.com"];
    await home.refused(alerts("create", ...of_app, ...args), "CRASHED", "APP_STATE", "eventCategories");
});

// ---- What happens, and who is told

await step("the app's host reports a crash; the alert is mailed once", async () => {
    const report = { appGuid: app, env: "dev", eventType: "CRASHED", category: "APP_STATE", severity: "ERROR", message: "out of <memory>", id: "crash-1" };
    const first = expect(await request("POST", "/box/srv/1.1/app/eventlog/create", host, report), { status: 200, body: { status: "ok", guid: GUID } });
    expect(await request("POST", "/box/srv/1.1/app/eventlog/create", host, report), { status: 200, body: { guid: first.body.guid } });
    await evaluate({});
    await evaluate({ mails: 0 });
    const sent = (await mails()).filter(mail => mail.subject.includes("It is down"));
    expect(sent, [{ to: ["ops@example.com", "night@example.com"], text: saying("out of <memory>", "CRASHED"), html: saying("out of &#60;memory&#62;") }]);
    expect(sent[0].subject, `FeedHenry Appdepot Alert: It is down - Rounds & <b>Visits</b> (${app})`);
});
await step("another app's host cannot report for it", async () => {
    const other = await home.json(["admin", "appstore", "storeitems", "create", "--name=Other", "--description=d"], { guid: GUID });
    const report = { appGuid: other.guid, env: "dev", eventType: "CRASHED", category: "APP_STATE", severity: "ERROR", message: "m" };
    expect(await request("POST", "/box/srv/1.1/app/eventlog/create", host, report), { status: 403, body: { status: "error" } });
});
await step("alert/listAudit tells what was mailed", async () => {
    await api.post("/box/srv/1.1/cm/eventlog/alert/listAudit", { appGuid: app, env: "dev" }, {
        status: "ok",
        list: [{
            guid: GUID, alertName: "It is down", env: "dev", uid: app, recipients: "ops@example.com, night@example.com", subject: /^FeedHenry Appdepot Alert: /,
            body: saying("CRASHED"), sysCreated: SECONDS, sysModified: SECONDS,
        }],
    });
});
await step("fhc notifications list, with what the store did", async () => {
    const upload = new FormData();
    upload.append("file", new Blob([readFileSync(given.small)]), basename(given.small));
    upload.append("type", "android");
    upload.append("guid", app);
    doing("uploadbinary");
    const uploaded = await fetch(`${url}${ADMIN_API}/storeitem/uploadbinary`, { method: "POST", headers: { cookie: api.cookie }, body: upload });
    expect(uploaded.status, 200);
    await home.json(["admin", "appstore", "storeitems", "add", `--id=${app}`]);
    const list = await home.json(["notifications", "list", ...of_app], list => Array.isArray(list));
    const event = (eventType, fields = {}) => containing({
        eventGroup: "NOTIFICATION", guid: GUID, type: "eventlog_EventLog",
        fields: { eventType, appGuid: app, uid: app, env: "dev", dismissed: false, sysCreated: COLON_TIME, timestamp: COLON_TIME, title: eventType, ...fields },
    });
    expect(list, event("CRASHED", { category: "APP_STATE", severity: "ERROR", message: "out of <memory>", updatedBy: "System" }));
    for (const name of ["CREATED", "DEPLOYED", "START_SUCCESSFUL"]) expect(list, event(name, { updatedBy: ADMIN }));
    expect(await home.fhc("notifications", "list", ...of_app), saying("CRASHED", "DEPLOYED"));
});
await step("fhc notifications list --audit: who changed keys and policies too", async () => {
    const list = await home.json(["notifications", "list", ...of_app, "--audit"], list => Array.isArray(list));
    expect(list, containing({ eventGroup: "AUDIT", fields: { eventType: "CHANGE_SUCCESSFUL", updatedBy: ADMIN } }));
});

// ---- Endpoint security

await step("fhc secureendpoints get: open as long as nobody said otherwise", async () => {
    await home.json(endpoints("get", ...of_app), { status: "ok", appId: app, environment: "dev", default: "https", overrides: {} });
    expect(await home.fhc(...endpoints("get", ...of_app)), saying("https"));
});
await step("fhc secureendpoints setdefault, setoverride", async () => {
    await home.json(endpoints("setdefault", ...of_app, "--default=appapikey"), { default: "appapikey", overrides: {} });
    await home.json(endpoints("setoverride", ...of_app, "--endpoint=hello", "--security=https"), {
        appId: app, environment: "dev", default: "appapikey", overrides: { hello: { security: "https", updatedBy: ADMIN, updatedWhen: MINUTES } },
    });
    await home.json(endpoints("setoverride", ...of_app, "--endpoint=status", "--security=https"), { overrides: { hello: { security: "https" }, status: { security: "https" } } });
    expect(await home.fhc(...endpoints("list", ...of_app)), saying("hello", "status", ADMIN));
});
const decide = (headers, endpoint, more = {}) => request("POST", "/box/srv/1.1/app/endpointsecurity/decide", headers, { appId: app, environment: "dev", endpoint, ...more });
await step("the runtime decision, as a host asks it before each call", async () => {
    expect(await decide(host, "hello"), { status: 200, body: { allowed: true, security: "https", matched: "hello" } });
    expect(await decide(host, "/secret/", { key }), { status: 200, body: { allowed: true, security: "appapikey", matched: "default" } });
    expect(await decide(host, "secret", { key: "0".repeat(40) }), { status: 200, body: { allowed: false, reason: "Invalid API Key" } });
    expect(await decide(host, "secret", { key: "" }), { status: 200, body: { allowed: false, reason: "Missing App API key(s)" } });
    expect(await decide({ cookie: api.cookie }, "secret", { enforce: true }), { status: 401, body: { status: "error", message: "Missing App API key(s)" } });
    expect(await decide({ cookie: api.cookie, ...host }, "secret", { enforce: true }), { status: 200, body: { allowed: true } });
});
await step("fhc secureendpoints removeoverride, auditlog", async () => {
    await home.json(endpoints("removeoverride", ...of_app, "--endpoint=hello"), { overrides: overrides => !("hello" in overrides) && "status" in overrides });
    const { list } = await home.json(endpoints("auditlog", ...of_app), { status: "ok", list: list => list.length === 4 });
    expect(list, [["Remove Endpoint", "hello"], ["Add Endpoint", "status"], ["Add Endpoint", "hello"], ["Set App Security", ""]].map(([event, endpoint]) => ({
        event, endpoint, appId: app, environment: "dev", updatedBy: ADMIN, updatedWhen: JAVA_UTC, updatedWhenMillis: millis => Number.isInteger(millis),
    })));
    expect(await home.fhc(...endpoints("auditlog", ...of_app)), saying("Set App Security", "Remove Endpoint"));
});

done();
