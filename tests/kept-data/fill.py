"""Something of every kind of record, by the requests that clients send."""

import hashlib
import json
import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from server import (ADMIN, ADMIN_API, PASSWORD, PUBLISHER, Member, Server, basic, multipart,
                    ping_message)

HERE = Path(__file__).parent
KEYS = HERE.parent.parent / "shared/package-writer/tests/fixtures"
CONDITION = (
    '<Condition><Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-is-in">'
    '<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">admin</AttributeValue>'
    '<AttributeDesignator '
    'Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject" '
    'AttributeId="http://wso2.org/claims/role" '
    'DataType="http://www.w3.org/2001/XMLSchema#string" MustBePresent="false"/>'
    "</Apply></Condition>"
)
USAGE = {"configurations": [{"policy_id": "com.apperian.app-usage"}]}
# How long is waited for what goes on in the background, in seconds.
PATIENCE = 60


def package(name):
    return (HERE / "packages" / name).read_bytes()


class Provider(BaseHTTPRequestHandler):
    """A company's own endpoint that admits everybody, and an OpenID provider's description."""

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer({"status": "ok", "userId": "E-77"})

    def do_GET(self):
        if self.path == "/keys":
            return self.answer({"keys": []})
        own = f"http://{self.headers['host']}"
        return self.answer({
            "issuer": own, "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token", "jwks_uri": f"{own}/keys",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })

    def log_message(self, *_):
        pass


def provider():
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def until(what, done):
    for _ in range(PATIENCE * 20):
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"this does not come: {what}")


def kinds(data, kind):
    """How many items of a kind the table has now."""
    with closing(sqlite3.connect(f"file:{data}/dynamodb.sqlite?mode=ro", uri=True)) as database:
        asked = "SELECT count(*) FROM appdepot WHERE item_json LIKE ?"
        return database.execute(asked, (f'%"kind":{{"S":"{kind}"}}%',)).fetchone()[0]


def apps(admin, fixture):
    """Store items with packages, versions, an icon, groups, policies, the store front."""
    create = lambda name: admin.admin("storeitem/create", {"name": name})["guid"]
    item, plain = create("Field notes"), create("Plain")
    for kind, name in (("android", "1.apk"), ("android", "2.apk"), ("ios", "1.ipa")):
        fields = {"type": kind, "guid": item}
        admin.form(f"{ADMIN_API}/storeitem/uploadbinary", [("file", name, package(name))], fields)
    admin.form(f"{ADMIN_API}/storeitem/uploadbinary", [("file", "i.png", package("icon.png"))],
               {"type": "icon", "guid": plain})
    group = admin.admin("storeitemgroup/create", {"name": "Everybody"})["guid"]
    user = {"username": "worker@dev.example", "email": "worker@dev.example", "name": "Worker",
            "password": PASSWORD, "roles": "dev"}
    worker = admin.admin("user/create", user)["guid"]
    admin.admin("user/create", {**user, "username": "sub@dev.example", "roles": "sub",
                                "email": "sub@dev.example", "name": "Sub"})
    admin.admin("user/create", {"username": "invited@dev.example", "name": "Invited",
                                "email": "invited@dev.example", "invite": True})
    body, kind = multipart([("file", "users.csv", b"imported,imported@dev.example,Imported")],
                           {"roles": "sub"})
    fixture["import"] = admin.server.done(
        "POST", f"{ADMIN_API}/user/import", body, {**kind, **admin.cookie}).json["cachekey"]
    admin.admin("storeitemgroup/addusers", {"guid": group, "users": [worker]})
    admin.admin("storeitemgroup/addstoreitems", {"guid": group, "storeitems": [item]})
    admin.admin("appstore/additem", {"guid": item})
    admin.form(f"{ADMIN_API}/appstore/uploadbinary", [("file", "i.png", package("icon.png"))],
               {"type": "icon"})
    config = {"guid": item, "type": "android", "config": {"note": "kept"}}
    admin.admin("storeitem/setbinaryconfig", config)
    team = {"name": "Readers", "perms": {"cluster/reseller/customer/domain": "read"},
            "users": [worker], "business-objects": {"cluster": ["*"]}}
    fixture["team"] = admin.post("/api/v2/admin/teams", team, (200, 201))["_id"]
    waiting = {"guid": plain, "type": "android", "size": 100, "fileName": "app.apk"}
    fixture["upload"] = admin.admin("storeitem/prepareupload", waiting)["uploadId"]
    refused = admin.admin("storeitem/prepareupload", {**waiting, "size": 9})
    admin.server.done("PUT", refused["url"], b"not a zip", refused["headers"])
    status = {"uploadId": refused["uploadId"]}
    until("the upload is refused",
          lambda: admin.admin("storeitem/uploadstatus", status)["state"] == "refused")
    # A deleted item leaves tasks behind.
    gone = create("Deleted")
    admin.form(f"{ADMIN_API}/storeitem/uploadbinary", [("file", "1.apk", package("1.apk"))],
               {"type": "android", "guid": gone})
    admin.admin("storeitem/delete", {"guid": gone})
    fixture.update(item=item, plain=plain, group=group, worker=worker)


def policies(admin, fixture, origin):
    """Auth policies of each type, the users on them, and sign-ins by them."""
    secret = {"clientId": "kept", "clientSecret": "kd94hf93k423kf44"}
    ldap = {"authmethod": "simple", "url": "ldap://ldap.example.com:389/",
            "dn": "ou=people,dc=example,dc=com", "dn_prefix": "cn"}
    made = {}
    for name, kind, configurations in (
        ("oauth", "OAUTH2", secret),
        ("open", "OPENID", {**secret, "issuer": origin}),
        ("directory", "LDAP", ldap),
        ("own", "MBAAS", {"authEndpoint": f"{origin}/auth", "defaultEnvironment": "dev"}),
    ):
        policy = {"policyId": name, "policyType": kind, "configurations": configurations}
        made[name] = admin.admin("authpolicy/create", policy)["guid"]
    admin.admin("authpolicy/addusers", {"guid": made["own"], "users": [fixture["worker"]]})
    admin.admin("storeitem/addpolicy", {"guid": fixture["item"], "authguid": made["own"]})
    fixture["policy"] = made["own"]
    store = admin.admin("appstore/read", {})["guid"]

    def sign_in(policy, user, password=PASSWORD, app=store, status="ok"):
        params = {"userId": user, "password": password}
        body = {"policyId": policy, "clientToken": app, "device": "KEPT-DEVICE",
                "params": params, "d": admin.domain}
        answer = admin.server.send("POST", f"{ADMIN_API}/authpolicy/auth", body).json
        if answer["status"] != status:
            raise SystemExit(f"{body}: {answer}")
        return answer

    sign_in("own", "E-77")
    sign_in("FeedHenry", "sub@dev.example", app=fixture["item"])
    session = sign_in("FeedHenry", "worker@dev.example")["sessionToken"]
    sign_in("FeedHenry", "sub@dev.example", password="wrong", status="error")
    # It waits for the browser's return.
    sign_in("open", "")
    device = {"cuid": "KEPT-DEVICE", "name": "Kept device"}
    admin.admin("device/update", device)
    install = f"/box/srv/1.1/mas/storeitem/install?guid={fixture['item']}&deviceId=KEPT-DEVICE"
    for kind, status in (("android", (302,)), ("ios", (200,))):
        admin.server.done("GET", f"{install}&type={kind}", None,
                          {"x-fh-auth-session": session, **admin.cookie}, status)


def keys(admin, fixture):
    """API keys of a user and of an app, active and revoked."""
    path = f"/box/srv/1.1/ide/{admin.domain}/api"
    make = lambda body: admin.post(f"{path}/create", body)["apiKey"]["key"]
    fixture["key"] = make({"type": "user", "label": "kept"})
    gone = make({"type": "user", "label": "revoked"})
    admin.post(f"{path}/revoke", {"key": gone})
    fixture["app_key"] = make({"type": "app", "appId": fixture["item"], "label": "app"})


def publisher(admin, fixture):
    """Web and mobile apps of the publisher API, with files, documents and policy partials."""
    partial = {"policyPartial": CONDITION, "policyPartialName": "kept", "isSharedPartial": True}
    made = admin.publish("POST", "/administration/xacmlpolicies", partial).json
    number = made.get("id") or made.get("policyPartialId") or made["response"]["id"]
    owner = {"name": "Owner", "email": "owner@dev.example", "site": "dev.example",
             "description": "Kept",
             "properties": [{"key": "telephone", "value": "011", "isVisible": True}]}
    owner = admin.publish("POST", "/administration/businessowner", owner).json["id"]
    group = {"policyGroupName": "kept", "throttlingTier": "Unlimited",
             "policyPartialMapping": [number]}
    web = {"name": "Intranet", "version": "1.0", "displayName": "Intranet", "context": "/kept",
           "policyGroups": [group], "businessOwnerId": str(owner), "tags": ["kept"],
           "uriTemplates": [{"urlPattern": "/*", "httpVerb": "GET", "policyGroupName": "kept"}]}
    web = admin.publish("POST", "/apps/webapp", web).json["id"]
    of_web = f"/apps/webapp/id/{web}"
    version = admin.publish("POST", f"{of_web}/create-new-version", {"version": "2.0"}).json
    documents = {}
    for source in ("INLINE", "FILE"):
        body = {"name": f"Manual {source}", "type": "HOWTO", "sourceType": source}
        documents[source] = admin.publish("POST", f"{of_web}/docs", body).json["documentId"]
    content = lambda source: f"{PUBLISHER}{of_web}/docs/{documents[source]}/content"
    admin.form(content("INLINE"), [], {"inlineContent": "What is kept"}, admin.bearer)
    admin.form(content("FILE"), [("file", "manual.pdf", b"%PDF-1.4\n%%EOF\n")], {}, admin.bearer)
    files = f"{PUBLISHER}/apps/mobile/binaries"
    apk = admin.form(files, [("file", "a.apk", package("1.apk"))], {}, admin.bearer)
    static = f"{PUBLISHER}/apps/static-contents?appType=mobileapp"
    pictures = [admin.form(static, [("file", "i.png", package("icon.png"))], {}, admin.bearer)
                for _ in range(3)]
    icon, banner, screenshot = (picture["id"] for picture in pictures)
    mobile = {
        "name": "Calculator", "description": "A calculator", "type": "enterprise",
        "appmeta": {"path": apk["path"], "package": apk["package"], "version": apk["version"]},
        "marketType": "enterprise", "provider": "admin", "displayName": "Calculator",
        "category": "Business", "thumbnailUrl": icon, "version": "1.0.0", "banner": banner,
        "platform": "android", "appType": "android", "screenshots": [screenshot],
        "mediaType": "application/vnd.wso2-mobileapp+xml",
    }
    mobile = admin.publish("POST", "/apps/mobileapp", mobile).json["id"]
    for kind, app in (("mobileapp", mobile), ("webapp", web)):
        for action in ("Submit%20for%20Review", "Approve", "Publish"):
            path = f"/apps/{kind}/change-lifecycle?appId={app}&action={action}"
            admin.publish("POST", path)
    admin.publish("POST", f"/apps/mobileapp/id/{mobile}/subscriptions")
    admin.server.done("POST", "/api/appm/oauth/v1.0/register", {"clientName": "kept"},
                      basic(f"{ADMIN}@{admin.domain}", PASSWORD))
    fixture.update(partial=number, owner=owner, web=web, mobile=mobile, documents=documents,
                   picture=icon, new_version=version["id"])


def native(admin, fixture):
    """Policies, signing credentials and publications of the Apperian API."""
    page = "com.apperian.open-webpage-url"
    preset = {"name": "Kept", "configuration": {"open_webpage_url": "https://dev.example/kept"}}
    made = admin.native("POST", f"/policies/{page}/configurations", preset)
    fixture["preset"] = made["configuration"]["id"]
    listed = admin.native("GET", "/applications")["applications"]
    android = [app["id"] for app in listed if app["name"] == "Field notes" and
               "android" in json.dumps(app).lower()]
    fixture["android"] = android[0]
    said = {"version_note": "Kept", "author": "Somebody", "long_description": "At length"}
    admin.native("PUT", f"/applications/{android[0]}", said)
    for platform, key, more in ((2, "rsa.p12", []), (1, "ios.p12", ["1.mobileprovision"])):
        data = {"description": "Kept", "platform": platform, "password": "secret"}
        parts = [("file", key, (KEYS / key).read_bytes())]
        parts += [("profile", name, package(name)) for name in more]
        added = admin.form("/credentials", parts, {"data": json.dumps(data)}, admin.token)
        fixture.setdefault("credential", added["credential"]["psk"])
    admin.native("POST", f"/applications/{android[0]}/policies", USAGE)
    worked = lambda: not kinds(admin.server.data, "job")
    until("the policy is applied", worked)
    admin.native("PUT", f"/applications/{android[0]}/credentials/{fixture['credential']}")
    until("the app is signed", worked)
    login = {"user_id": ADMIN, "password": PASSWORD, "organization": admin.domain}
    admin.server.done("POST", "/users/authenticate", login)
    call = {"id": 1, "params": {"token": admin.token["x-token"]}}
    admin.server.done("POST", "/ease.interface.php/com.apperian.eas.apps.create", call)


def alert(admin, app, name, **more):
    body = {"alertName": name, "emails": "ops@dev.example", "env": "dev", "uid": app,
            "eventSeverities": "ERROR,FATAL", **more}
    return admin.post("/box/srv/1.1/cm/eventlog/alert/create", body)["guid"]


def crash(admin, app, name):
    body = {"appGuid": app, "env": "dev", "eventType": "CRASHED", "message": "It crashed",
            "eventDetails": {"dyno": "d-1"}, "id": name}
    admin.post("/box/srv/1.1/app/eventlog/create", body)


def run(admin, what, body=None):
    return admin.server.done("POST", f"/local/{what}", body).json


def events(admin, fixture):
    """Alerts, events, notifications, endpoint security."""
    item = fixture["item"]
    fixture["alert"] = alert(admin, item, "Kept")
    crash(admin, item, "crash-1")
    detail = {"domain": admin.domain, "appGuid": item, "env": "dev", "eventType": "TERMINATED",
              "message": "From the bus"}
    bus = {"id": "bus-1", "detail-type": "Appdepot App Event", "source": "kept", "detail": detail}
    if run(admin, "event-bus", bus)["written"] != 1:
        raise SystemExit("the event of the bus was not taken")
    overrides = {"hello": {"security": "https"}, "secret": {"security": "appapikey"}}
    security = {"appId": item, "environment": "dev", "default": "https", "overrides": overrides}
    admin.post("/box/srv/1.1/app/endpointsecurity/set", security)
    run(admin, "schedule/alert-evaluation")
    run(admin, "schedule/housekeeping")


def ping(admin, body, operation):
    sent = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.000")
    path = f"/pingid/rest/4/{operation}/do"
    admin.server.done("POST", path, ping_message(admin.ping, body, sent))


def spike(other):
    """Downloads of another tenant's app, more than usual."""
    item = other.admin("storeitem/create", {"name": "Popular"})["guid"]
    other.form(f"{ADMIN_API}/storeitem/uploadbinary", [("file", "1.apk", package("1.apk"))],
               {"type": "android", "guid": item})
    alert(other, item, "Spike", eventNames="DOWNLOAD_SPIKE", eventSeverities="")
    for _ in range(50):
        path = f"/box/srv/1.1/mas/storeitem/install?guid={item}&type=android"
        other.server.done("GET", path, None, other.cookie, (302,))
    run(other, "schedule/alert-evaluation")
    return item


def abandon(other):
    """Deletes apps: what is to be done about it waits for the next hour."""
    item = other.admin("storeitem/create", {"name": "Deleted"})["guid"]
    other.form(f"{ADMIN_API}/storeitem/uploadbinary", [("file", "2.apk", package("2.apk"))],
               {"type": "android", "guid": item})
    other.admin("storeitem/delete", {"guid": item})
    static = f"{PUBLISHER}/apps/static-contents?appType=webapp"
    picture = other.form(static, [("file", "i.png", package("icon.png"))], {}, other.bearer)
    web = {"name": "Deleted", "version": "1.0", "displayName": "Deleted", "context": "/gone",
           "thumbnailUrl": picture["id"]}
    web = other.publish("POST", "/apps/webapp", web).json["id"]
    other.publish("DELETE", f"/apps/webapp/id/{web}")


def fill(program, data):
    """Fills a data folder; what the recorded requests need to know of it comes back."""
    # A tenant is known by the beginning of its name's SHA-256.
    fixture, origin = {"password": PASSWORD}, provider()
    fixture["tenant"] = hashlib.sha256(b"dev").hexdigest()[:8]
    with Server(program, data, "--allow-private-addresses") as server:
        admin = Member(server)
        apps(admin, fixture)
        policies(admin, fixture, origin)
        keys(admin, fixture)
        publisher(admin, fixture)
        native(admin, fixture)
        application = {"id": "https://kept.example/saml", "name": "Kept"}
        ping(admin, {"application": application}, "addapplication")
        events(admin, fixture)
        tenant = {"name": "other", "adminEmail": "admin@other.example",
                  "adminPassword": PASSWORD}
        made = server.done("POST", "/local/tenants", tenant).json
        other = Member(server, "other", "admin@other.example", made["clients"])
        # Not in the first tenant: a former key is good for a week alone.
        other.post(f"{ADMIN_API}/pingid/rotate", {})
        popular = spike(other)
        # Many alerts hear one event: there is time to see a mail that is due.
        for number in range(30):
            alert(other, popular, f"Alert {number}")
        crash(other, popular, "crash-2")
        run_away = threading.Thread(target=lambda: evaluate(other), daemon=True)
        run_away.start()
        deadline = time.time() + PATIENCE
        while not kinds(data, "due-mail"):
            if time.time() > deadline:
                raise SystemExit("no mail was seen to be due")
        server.kill()
    # A message that is taken once, an event and a job that wait: the server is killed at once.
    with Server(program, data, "--pingid-strict") as server:
        admin = Member(server)
        ping(admin, {}, "getapplications")
        # Not in the first tenant: a later start works on them, and its answers must stay.
        other = Member(server, "other", "admin@other.example", made["clients"])
        abandon(other)
        crash(other, popular, "crash-3")
        app = other.native("GET", "/applications")["applications"][0]["id"]
        other.native("POST", f"/applications/{app}/policies", USAGE)
        server.kill()
    tidy(data)
    return fixture


def tidy(data):
    """Writes what SQLite keeps beside its file into it, and takes away what a start makes anew."""
    database = sqlite3.connect(data / "dynamodb.sqlite")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("VACUUM")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    for name in ("embedded-store.lock", "dynamodb.sqlite-wal", "dynamodb.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    # Git keeps no empty folders; a start makes those that it needs.
    for folder in sorted(data.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def evaluate(other):
    try:
        run(other, "schedule/alert-evaluation")
    except OSError:
        # The server was killed, as it was meant to be.
        pass
