"""The requests whose answers are recorded: what only reads, in every dialect.

What is left out: the number of the release, and what depends on how old the data are (links that
install apps, states of uploads, sessions), which other tests are for.
"""

import json
from urllib.parse import quote

from server import ADMIN_API, PUBLISHER, ping_message, ping_settings

EVENTS = "/box/srv/1.1/cm/eventlog/alert"


def requests(fixture, data):
    item, f = fixture["item"], fixture
    app, place = {"appGuid": item, "env": "dev"}, f"uid={item}&env=dev"
    dev = {"appId": item, "environment": "dev"}
    keys = "/box/srv/1.1/ide/dev/api"
    mbaas = f"/api/v2/mbaas/dev/dev/apps/{item}/alerts"
    logs = json.dumps([{"cacheKey": f["import"], "start": 0}])
    worker = {"username": "worker@dev.example"}
    sub = {"username": "sub@dev.example"}
    device = {"cuid": "KEPT-DEVICE"}
    members = [
        ("/box/srv/1.1/ide/dev/user/read", {}),
        (f"{keys}/list", {"type": "user"}),
        (f"{keys}/list", {"type": "app", "appId": item}),
        (f"{keys}/validate", {"type": "user", "key": f["key"]}),
        (f"{ADMIN_API}/appstore/read", {}),
        (f"{ADMIN_API}/appstore/liststoreitems", {}),
        (f"{ADMIN_API}/appstore/listpolicies", {}),
        (f"{ADMIN_API}/storeitem/read", {"guid": item}),
        (f"{ADMIN_API}/storeitem/read", {"guid": f["plain"]}),
        (f"{ADMIN_API}/storeitem/list", {}),
        (f"{ADMIN_API}/storeitem/listpolicies", {"guid": item}),
        (f"{ADMIN_API}/storeitem/getbinaryconfig", {"guid": item, "type": "android"}),
        (f"{ADMIN_API}/storeitem/listitemtypes", {"guid": item}),
        (f"{ADMIN_API}/storeitemgroup/list", {}),
        (f"{ADMIN_API}/storeitemgroup/read", {"guid": f["group"]}),
        (f"{ADMIN_API}/auditlog/listlogs", {"limit": 100}),
        (f"{ADMIN_API}/auditlog/listlogs", {"storeItemGuid": item, "limit": 100}),
        ("/box/srv/1.1/mam/appstore/getstoreitems", {}),
        ("/box/srv/1.1/mas/appstore/getstoreitems", {}),
        (f"{ADMIN_API}/authpolicy/list", {}),
        (f"{ADMIN_API}/authpolicy/read", {"policyId": "oauth"}),
        (f"{ADMIN_API}/authpolicy/read", {"policyId": "directory"}),
        (f"{ADMIN_API}/authpolicy/users", {"guid": f["policy"]}),
        (f"{ADMIN_API}/device/list", {}),
        (f"{ADMIN_API}/device/read", device),
        (f"{ADMIN_API}/device/listapps", device),
        (f"{ADMIN_API}/device/listusers", device),
        (f"{ADMIN_API}/role/list", {}),
        (f"{ADMIN_API}/role/listAssignable", {}),
        (f"{ADMIN_API}/user/list", {}),
        (f"{ADMIN_API}/user/read", worker),
        (f"{ADMIN_API}/user/listdevices", sub),
        (f"{ADMIN_API}/user/listdevices", worker),
        (f"{ADMIN_API}/user/liststoreitems", worker),
        (f"{ADMIN_API}/user/liststoreitems", {"username": "admin@example.com"}),
        (f"{EVENTS}/list", app),
        (f"{EVENTS}/read", {"guid": f["alert"]}),
        (f"{EVENTS}/listOptions", {}),
        (f"{EVENTS}/listAudit", app),
        ("/box/srv/1.1/app/eventlog/listEvents", app),
        ("/box/srv/1.1/app/endpointsecurity/get", dev),
        ("/box/srv/1.1/app/endpointsecurity/auditLog", {**dev, "filter": {"limit": "10"}}),
        ("/box/srv/1.1/app/endpointsecurity/decide",
         {**dev, "endpoint": "/secret", "key": f["app_key"], "enforce": True}),
    ]
    by_get = [
        "/box/srv/1.1/ide/dev/user/read",
        f"{ADMIN_API}/appstore/read",
        f"{ADMIN_API}/appstore/liststoreitems",
        f"{ADMIN_API}/appstore/listpolicies",
        f"{ADMIN_API}/storeitem/read?guid={item}",
        f"{ADMIN_API}/storeitem/list",
        f"{ADMIN_API}/storeitem/getbinaryconfig?guid={item}&type=android",
        f"{ADMIN_API}/storeitem/listitemtypes?guid={item}",
        f"{ADMIN_API}/storeitemgroup/list",
        f"{ADMIN_API}/auditlog/listlogs?storeItemGuid={item}&limit=100",
        "/box/srv/1.1/mam/appstore/getstoreitems",
        "/box/srv/1.1/mas/appstore/getstoreitems",
        f"{ADMIN_API}/authpolicy/list",
        f"{ADMIN_API}/device/list",
        f"{ADMIN_API}/user/list",
        f"/box/srv/1.1/dat/log/read?cacheKeys={quote(logs)}",
        "/api/v2/admin/teams",
        f"/api/v2/admin/teams/{f['team']}",
        f"/api/v2/admin/users/{f['worker']}/teams",
        f"{EVENTS}/list?{place}",
        f"{EVENTS}/listOptions",
        f"{EVENTS}/listAudits?{place}",
        mbaas,
        f"{mbaas}/{f['alert']}",
        f"/box/srv/1.1/app/eventlog/listEvents?appGuid={item}&env=dev&limit=10",
        f"/box/srv/1.1/app/endpointsecurity/decide?appId={item}&environment=dev&endpoint=/hello",
        f"{ADMIN_API}/pingid/settings",
        f"{ADMIN_API}/pingid/pingid.properties",
    ]
    web, mobile = f"/apps/webapp/id/{f['web']}", f"/apps/mobileapp/id/{f['mobile']}"
    docs, partials = f"{web}/docs", "/administration/xacmlpolicies"
    owners = "/administration/businessowner"
    publisher = [
        "/apps/webapp", "/apps/mobileapp", "/apps/webapp?field-filter=all",
        "/apps/mobileapp?field-filter=basic", "/apps/webapp/tags", "/apps/mobileapp/tags",
        web, mobile, f"/apps/webapp/id/{f['new_version']}",
        *(f"{of}/{what}" for of in (web, mobile)
          for what in ("lifecycle", "lifecycle-history", "tags", "subscriptions")),
        docs, *(f"{docs}/{document}" for document in f["documents"].values()),
        f"{docs}/{f['documents']['INLINE']}/content",
        f"/apps/static-contents/{f['picture']}?appType=mobileapp",
        "/xacmlpolicies", f"/xacmlpolicies/{f['partial']}/apps/webapp",
        f"{partials}/{f['partial']}", owners, f"{owners}/{f['owner']}",
        "/roles", "/javapolicies", "/apps/webapp/throttlingtiers",
        "/apps/mobileapp/stats/getSubscriptionsPerApp",
    ]
    android, page = f["android"], "com.apperian.open-webpage-url"
    native = [
        "/users/info", "/applications", "/applications/user", f"/applications/{android}",
        f"/applications/{android}/versions", f"/applications/{android}/policies", "/policies",
        f"/policies/{page}", f"/policies/{page}/configurations",
        f"/policies/configurations/{f['preset']}", "/credentials", "/groups",
        f"/groups/{f['group']}", f"/groups/{f['group']}/users",
    ]
    documents = f"/policy-documents/{f['tenant']}"
    nobody = [
        "/health", "/box/srv/1.1/mas/appstore/read?d=dev",
        f"{documents}/{android}", f"{documents}/keys",
    ]
    decision = {"path": "/a", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}}
    call = {"id": 1, "apiVersion": "1.0", "jsonrpc": "2.0", "params": {}}
    settings = ping_settings((data / "clients/pingid.properties").read_text())
    message = ping_message(settings, {}, "2026-12-01 00:00:00.000")

    def get(who, paths, before=""):
        return [{"as": who, "method": "GET", "path": before + path} for path in paths]

    def post(who, pairs):
        return [{"as": who, "method": "POST", "path": path, "json": body} for path, body in pairs]

    return [
        *post("key", members), *get("key", by_get), *get("bearer", publisher, PUBLISHER),
        *post("bearer", [(f"{PUBLISHER}{web}/decision", decision)]), *get("token", native),
        *post("token", [("/ease.interface.php/com.apperian.eas.apps.getlist", call)]),
        *get("nobody", nobody),
        {"as": "nobody", "method": "POST", "path": "/pingid/rest/4/getapplications/do",
         "text": message},
    ]
