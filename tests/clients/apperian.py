#!/usr/bin/env python3
"""A CI job's whole session over the Apperian API against a running server: an app is uploaded, gets policies, is signed, released and
checked with Android's own tools; with the requests that the Jenkins plugin, the Node and Python clients and the older JSON-RPC clients
send, byte for byte where they differ. Needs Python 3.9 or later without packages, and openssl; aapt and apksigner unless they are
said to be missing.

    tests/clients/apperian.py --url http://127.0.0.1:4000 --password P --token-file DATA/clients/apperian-token --apk FILE --work FOLDER
        [--android-tools no]
"""
import argparse
import base64
import hashlib
import http.client
import json
import re
import secrets
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit

ADMIN = "admin@example.com"
APP_USAGE, OPEN_WEB_PAGE = "com.apperian.app-usage", "com.apperian.open-webpage-url"
# How often a client asks again at the most, and how long it waits between, in seconds.
TRIES, PAUSE = 240, 0.5
SIGNING = ("in_progress", "signed", "cancelled", "error", None)
SIGNATURE_FILE = re.compile(r"META-INF/(MANIFEST\.MF|.*\.(SF|RSA|DSA|EC))")


class Unexpected(Exception):
    pass


passed = 0
command = ""


def step(title):
    """Runs what it decorates as a step, at once."""

    def run(function):
        global passed, command
        command = title
        try:
            result = function()
        except Exception as error:
            print(f"not ok - {title}\n{command}\n{error if isinstance(error, Unexpected) else repr(error)}\n{passed} passed, 1 failed", flush=True)
            if not isinstance(error, Unexpected):
                raise
            sys.exit(1)
        passed += 1
        print(f"ok - {title}", flush=True)
        return result

    return run


def expect(got, wanted, what=""):
    if got != wanted:
        raise Unexpected(f"{what}\nexpected: {wanted!r}\ngot:      {got!r}"[:6000])
    return got


def expect_that(fits, what):
    if not fits:
        raise Unexpected(what[:6000])


def run(*args):
    """A tool that must succeed; what it prints."""
    global command
    command = " ".join(args)
    ran = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    expect(ran.returncode, 0, ran.stdout + ran.stderr)
    return ran.stdout


# ---- HTTP, with nothing added to what a client sends


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Unexpected(f"no JSON: {self.body[:500]!r}") from None


def send(method, address, body=b"", headers=None, length=True):
    """One request; headers as they stand, and the length of the body unless the client leaves it out."""
    global command
    target = urlsplit(urljoin(base + "/", address))
    path = target.path + (f"?{target.query}" if target.query else "")
    command = f"{method} {target.geturl()} {body[:300]!r}"
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=120)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if length:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def as_json(value):
    return json.dumps(value).encode()


def ask(method, path, value=None, status=200, who=None, **headers):
    """A request with a token, and with JSON where there is a value. Clients take 200 for a success, and 202 where policies are
    applied, and any key `error` for a failure."""
    sent = {"X-TOKEN": token if who is None else who, **{name.replace("_", "-"): text for name, text in headers.items()}}
    body = b""
    if value is not None:
        sent["Content-Type"] = "application/json"
        body = as_json(value)
    answer = send(method, path, body, sent, length=bool(body) or method != "GET")
    expect(answer.status, status, answer.body.decode(errors="replace"))
    told = answer.json
    if status < 300:
        expect_that("error" not in told, f"a success with the key error: {told}")
    else:
        expect(told["error"]["code"], status, str(told))
        expect_that(told["error"]["message"], f"an error without a message: {told}")
    return told


def call(method, params, error=None):
    """An older call, JSON-RPC 2.0."""
    body = {"id": 1, "apiVersion": "1.0", "jsonrpc": "2.0", "method": f"com.apperian.eas.{method}", "params": params}
    answer = send("POST", "/ease.interface.php", as_json(body), {"Content-Type": "application/js"})
    told = answer.json
    expect((answer.status, told.get("id"), "error" in told), (200, 1, error is not None), str(told))
    if error is None:
        return told["result"]
    expect(told["error"]["code"], error, str(told))
    expect_that(told["error"]["data"]["detailedMessage"], str(told))
    return None


def form(*parts):
    """A form: parts are name, file name or None, the lines of its head beside the first, content."""
    boundary = f"----{secrets.token_hex(12)}"
    body = b""
    for name, file_name, head, content in parts:
        named = f'; filename="{file_name}"' if file_name else ""
        lines = "".join(f"{line}\r\n" for line in head)
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{lines}\r\n'.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def upload(path, fields):
    """As the Jenkins plugin uploads: the file first, then the fields in ISO-8859-1."""
    data = json.dumps(fields, ensure_ascii=False).encode("latin-1")
    body, kind = form(
        ("app_file", "app.apk", ["Content-Type: application/octet-stream", "Content-Transfer-Encoding: binary"], package),
        ("data", None, ["Content-Type: multipart/form-data; charset=ISO-8859-1", "Content-Transfer-Encoding: 8bit"], data),
    )
    answer = send("POST", path, body, {"X-TOKEN": token, "Content-Type": kind})
    expect(answer.status, 200, answer.body.decode(errors="replace"))
    return checked(answer.json["application"])


def checked(application):
    """What the Java client needs of an application, or its whole list fails."""
    version = application["version"]
    expect_that(isinstance(application["psk"], int) and application["type"] in (0, 3), str(application))
    expect_that(re.fullmatch(r"[\w-]{22}", application["id"]) is not None, str(application))
    expect_that(version["wrap_status"] in (-1, 0, 1, 2, 3, 4) and version["signing_status"] in SIGNING, str(application))
    expect_that(isinstance(application["enabled"], bool), str(application))
    return application


def listed(path="/v2/applications", who=None):
    return [checked(one) for one in ask("GET", path, who=who)["applications"]]


def wait_for(what, look, busy):
    """Asks until the answer is another one than those of somebody who is busy."""
    for _ in range(TRIES):
        found = look()
        if found not in busy:
            return found
        time.sleep(PAUSE)
    raise Unexpected(f"{what} is still {found!r}")


def policies_of(app_id):
    return ask("GET", f"/v2/applications/{app_id}/policies/")


def apply(app_id, configurations):
    """Applies policies and waits as the plugin does: it has to end in 3."""
    taken = ask("POST", f"/v2/applications/{app_id}/policies/", {"configurations": configurations}, status=202)["configurations"]
    expect(sorted(one["policy_id"] for one in taken), sorted(one["policy_id"] for one in configurations))
    code = wait_for("the status of the policies", lambda: policies_of(app_id)["status"]["code"], [2])
    standing = policies_of(app_id)
    expect((code, standing["status"]["description"]), (3, "POLICIES NOT SIGNED"), str(standing))
    expect(standing["configurations"], taken)
    expect(checked(ask("GET", f"/v2/applications/{app_id}")["application"])["version"]["wrap_status"], 3)
    return standing


def signed(app_id, body=None):
    """Waits until an app is signed."""

    def look():
        # The Node client polls by GET with a body.
        version = checked(ask("GET", f"/v1/applications/{app_id}", body)["application"])["version"]
        return version["signing_status"], version["signing_status_details"]

    def status():
        return look()[0]

    expect(wait_for("the signing", status, ["in_progress"]), "signed", str(look()))
    standing = policies_of(app_id)
    expect(standing["status"], {**standing["status"], "code": 1, "description": "POLICIES AND SIGNED"})


def downloaded(application, name):
    """The file that direct_download_binary_url leads to."""
    address = application["direct_download_binary_url"]
    expect_that(address.startswith(base + "/"), address)
    moved = send("GET", address, b"", {"X-TOKEN": token}, length=False)
    expect(moved.status, 302, moved.body.decode(errors="replace"))
    answer = send("GET", moved.headers["location"], b"", {}, length=False)
    expect(answer.status, 200)
    path = work / name
    path.write_bytes(answer.body)
    return path


# ---- What is signed


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der(tag, content):
    expect_that(len(content) < 128, "a short length")
    return bytes([tag, len(content)]) + content


def number(raw):
    """An INTEGER of DER: no needless zeros, and one where the first bit is set."""
    raw = raw.lstrip(b"\0") or b"\0"
    return der(2, b"\0" + raw if raw[0] & 0x80 else raw)


def verified(jws, keys, folder):
    """The payload of a compact JWS with ES256, whose signature openssl verifies with the key that its header names."""
    header, payload, signature = jws.split(".")
    head = json.loads(decoded(header))
    expect(head["alg"], "ES256")
    (key,) = [one for one in keys if one["kid"] == head["kid"]]
    expect((key["kty"], key["crv"]), ("EC", "P-256"))
    x, y, raw = decoded(key["x"]), decoded(key["y"]), decoded(signature)
    expect((len(x), len(y), len(raw)), (32, 32, 64))
    # SubjectPublicKeyInfo of P-256, uncompressed point.
    public = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\4" + x + y
    pem = "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public).decode() + "-----END PUBLIC KEY-----\n"
    (folder / "key.pem").write_text(pem)
    (folder / "signature").write_bytes(der(0x30, number(raw[:32]) + number(raw[32:])))
    (folder / "text").write_text(f"{header}.{payload}")
    run("openssl", "dgst", "-sha256", "-verify", str(folder / "key.pem"), "-signature", str(folder / "signature"), str(folder / "text"))
    # The same signature of another text must not be taken.
    (folder / "text").write_text(f"{header}.{payload[:-1]}")
    forged = subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(folder / "key.pem"), "-signature", str(folder / "signature"), str(folder / "text")], capture_output=True, check=False)
    expect_that(forged.returncode != 0, "a signature of another text is taken")
    return json.loads(decoded(payload))


def entries(path):
    with zipfile.ZipFile(path) as archive:
        expect(archive.testzip(), None)
        names = archive.namelist()
        expect(len(names), len(set(names)), "each entry once")
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def same_but_for_policies(path):
    """Nothing but the documents and the signature has changed."""
    before, after = entries(given.apk), entries(path)
    expect({name for name in before if name not in after and not SIGNATURE_FILE.fullmatch(name)}, set(), "entries that are gone")
    changed = {name for name in before if name in after and before[name] != after[name] and not SIGNATURE_FILE.fullmatch(name)}
    expect(changed, set(), "entries that have changed")
    new = {name for name in after if name not in before and not SIGNATURE_FILE.fullmatch(name)}
    expect({name for name in new if not name.startswith("assets/appdepot/")}, set(), "entries that are new")
    expect_that("assets/appdepot/policies.jws" in new, f"no document of policies among {sorted(new)}")


def document_in(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read("assets/appdepot/policies.jws").decode().strip()


def badging(path):
    """The package, its version code and its version name as Android's own tool reads them."""
    first = run("aapt", "dump", "badging", str(path)).splitlines()[0]
    return re.search(r"name='([^']*)' versionCode='([^']*)' versionName='([^']*)'", first).groups()


def certificate_of(path):
    """The SHA-256 of the certificate of the one signer; apksigner has verified the package."""
    told = run("apksigner", "verify", "--print-certs", "-v", str(path))
    expect_that(told.startswith("Verifies"), told)
    expect_that(re.search(r"Verified using v2 scheme[^:]*: true", told), told)
    (digest,) = re.findall(r"certificate SHA-256 digest: ([0-9a-f]{64})", told)
    return digest


def checked_package(path):
    """A signed package: what it says of itself has not changed, and the key is ours."""
    same_but_for_policies(path)
    if tools:
        expect(badging(path), badging(given.apk), "package, versionCode, versionName")
        expect(certificate_of(path), fingerprint, "the certificate")


parser = argparse.ArgumentParser()
for option in ("url", "password", "token-file", "apk", "work"):
    parser.add_argument(f"--{option}", required=True)
parser.add_argument("--android-tools", choices=("yes", "no"), default="yes")
given = parser.parse_args()
base = given.url.rstrip("/")
tools = given.android_tools == "yes"
work = Path(given.work) / "apperian"
work.mkdir(parents=True, exist_ok=True)
package = Path(given.apk).read_bytes()
# Names of this run alone, so that it can be repeated on the same data.
this_run = secrets.token_hex(4)
NAME = f"Café {this_run}"

# ---- Tokens


@step("the ready-made token file holds one line")
def api_token():
    text = Path(given.token_file).read_text()
    expect(text, text.strip() + "\n")
    return text.strip()


token = api_token


@step("the token of the file is the administrator's")
def _():
    expect_that(ask("GET", "/v2/users/info")["user"]["id"], "who it is")
    expect_that(NAME not in [one["name"] for one in listed()], "the app is not there yet")


LOGIN = {"user_id": ADMIN, "password": given.password}


def authenticate(path, body=None, status=200):
    answer = send("POST", path, as_json(body or LOGIN), {"Content-Type": "application/json"})
    expect(answer.status, status, answer.body.decode(errors="replace"))
    return answer.json


@step("name and password give a token: users/authenticate with a version, and without as the Python client asks")
def user_token():
    tokens = []
    for path in ("/v2/users/authenticate/", "/users/authenticate/"):
        told = authenticate(path)
        expect_that(told["user"]["psk"], str(told))
        tokens.append(told["token"])
        listed(who=told["token"])
    expect_that(tokens[0] != tokens[1], "each its own")
    return tokens[0]


@step("the Node client's catalog/authenticate")
def _():
    told = authenticate("/v2/catalog/authenticate/", {**LOGIN, "remember_me": True, "register_catalog": False, "device_info": {"udid": f"ci-{this_run}"}})
    listed("/v2/applications/", who=told["token"])


@step("a wrong password, a wrong token and none: 401")
def _():
    expect(authenticate("/v2/users/authenticate/", {**LOGIN, "password": "wrong"}, 401)["error"]["code"], 401)
    for wrong in ("OxS8iqSHSSmRqcqQ1pXXwg", token[:-1] + ("0" if token[-1] != "0" else "1"), user_token[:-2], "é".encode().hex()):
        ask("GET", "/v2/applications", status=401, who=wrong)
    answer = send("GET", "/v2/applications", length=False)
    expect((answer.status, answer.json["error"]["code"]), (401, 401))


# ---- Upload


@step("upload as the Jenkins plugin does it: the file first, the fields in ISO-8859-1")
def app():
    fields = {"app_name": NAME, "author": "Zoë", "short_description": "Für unterwegs", "long_description": "Für unterwegs und daheim", "version_num": "2.5", "version_note": "Schöner", "enabled": False}
    made = upload("/v1/applications/", fields)
    expect({key: made["version"][key] for key in fields if key != "enabled"}, {key: value for key, value in fields.items() if key != "enabled"})
    expect((made["name"], made["enabled"], made["type"]), (NAME, False, 3))
    expect((made["version"]["wrap_status"], made["version"]["signing_status"]), (0, None))
    return made


APP = app["id"]


@step("the list has it in every spelling of the path that clients use")
def _():
    for path in ("/v2/applications", "/v2/applications/", "/v1/applications", "/v1/applications/", "/applications/", "/applications"):
        (mine,) = [one for one in listed(path) if one["id"] == APP]
        expect(mine, app, path)


@step("an app is named by its psk too")
def _():
    expect(checked(ask("GET", f"/v2/applications/{app['psk']}")["application"])["id"], APP)


if tools:

    @step("the identifier is the package's own")
    def _():
        expect(app["bundle_id"], badging(given.apk)[0])


@step("what is downloaded is what was uploaded")
def _():
    expect(downloaded(app, "uploaded.apk").read_bytes() == package, True)


# ---- Policies


@step("the policies, one of them as it is printed")
def _():
    policies = {one["policy_id"]: one for one in ask("GET", "/v2/policies/")["policies"]}
    usage = policies[APP_USAGE]
    expect((usage["id"], usage["display_name"], usage["is_dynamic"], usage["configurable_fields"]), ("XWJKqWeLM5-tp8N09-gTEw", "App Usage", True, None))
    expect_that(policies[OPEN_WEB_PAGE]["configurable_fields"]["open_webpage_url"]["validation"]["required"] is True, str(policies[OPEN_WEB_PAGE]))
    expect(ask("GET", f"/v2/policies/{usage['id']}/")["policy"], usage)


@step("before: no policies")
def _():
    standing = policies_of(APP)
    expect(standing, {**standing, "status": {**standing["status"], "code": 0, "description": "NO POLICIES"}, "configurations": [], "previous_version_configurations": []})


@step("a policy that does not exist, and options that do not fit, change nothing")
def _():
    for wrong in ([{"policy_id": "com.apperian.none"}], [{"policy_id": ""}], [{"policy_id": OPEN_WEB_PAGE, "configuration": {"open_webpage_url": "javascript:alert(1)"}}], [{"policy_id": APP_USAGE}] * 2):
        ask("POST", f"/v2/applications/{APP}/policies/", {"configurations": wrong}, status=400)
    ask("POST", f"/v2/applications/{'A' * 22}/policies/", {"configurations": [{"policy_id": APP_USAGE}]}, status=404)
    ask("POST", f"/v2/applications/{APP}/policies/", {"configurations": [{"policy_id": APP_USAGE}]}, status=401, who="none")
    expect(policies_of(APP)["status"]["code"], 0)


OPTIONS = {"open_webpage_frequency": "1", "open_webpage_url": "https://example.com/news"}


@step("apply two policies, and poll until they are not signed")
def applied():
    return apply(APP, [{"policy_id": APP_USAGE}, {"policy_id": OPEN_WEB_PAGE, "configuration": OPTIONS, "auth_required": True}])


@step("what is handed out is still the upload")
def _():
    expect(downloaded(app, "applied.apk").read_bytes() == package, True)


# ---- Signing


@step("a key of this run, made by openssl")
def keys():
    key, certificate, store = (str(work / name) for name in ("key.pem", "certificate.pem", "keys.p12"))
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9000", "-subj", f"/CN=Example {this_run}", "-keyout", key, "-out", certificate)
    run("openssl", "pkcs12", "-export", "-inkey", key, "-in", certificate, "-name", "release", "-passout", "pass:schlüssel", "-out", store)
    digest = run("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256")
    return Path(store).read_bytes(), digest.split("=")[1].strip().replace(":", "").lower()


store, fingerprint = keys
DESCRIPTION = f"Release key {this_run}"


def add_credential(content, data, status=200):
    body, kind = form(("file", "keys.p12", ["Content-Type: application/x-pkcs12"], content), ("data", None, ["Content-Type: application/json"], as_json(data)))
    answer = send("POST", "/v1/credentials/", body, {"X-TOKEN": token, "Content-Type": kind})
    expect(answer.status, status, answer.body.decode(errors="replace"))
    return answer.json


@step("a wrong password, and a file that holds no key, are told at once")
def _():
    fields = {"description": DESCRIPTION, "platform": 2, "password": "schlüssel"}
    add_credential(store, {**fields, "password": "wrong"}, 400)
    add_credential(b"no key", fields, 400)
    add_credential(store, {**fields, "platform": 4}, 400)
    expect([one for one in ask("GET", "/v1/credentials")["credentials"] if one["description"] == DESCRIPTION], [])


@step("add it as a signing credential")
def credential():
    made = add_credential(store, {"description": DESCRIPTION, "platform": 2, "password": "schlüssel"})["credential"]
    for path in ("/v1/credentials/", "/v1/credentials"):
        (mine,) = [one for one in ask("GET", path)["credentials"] if one["psk"] == made["psk"]]
        expect((mine["description"], mine["platform"]), (DESCRIPTION, 2))
        expect_that(isinstance(mine["psk"], str) and re.match(r"\d{4}-\d\d-\d\dT", mine["expiration_date"]), str(mine))
        expect_that("schl" not in json.dumps(mine), "no password in an answer")
    return made["psk"]


def asked_to_sign(answer):
    expect(answer.status, 200, answer.body.decode(errors="replace"))
    expect_that(answer.json["signing_status"] in SIGNING[:2] and isinstance(answer.json["signing_status_details"], str) and "error" not in answer.json, str(answer.json))


@step("sign as the Jenkins plugin asks, by PUT without a body, and poll as the Node client does, by GET with one")
def _():
    asked_to_sign(send("PUT", f"/v1/applications/{APP}/credentials/{credential}", b"", {"X-TOKEN": token}))
    signed(APP, {"enabled": True})
    expect(checked(ask("GET", f"/v2/applications/{APP}")["application"])["version"]["install_file"]["sign_credentials_id"], credential)


@step("release it: enabled")
def released():
    expect(checked(ask("PUT", f"/v2/applications/{APP}", {"enabled": True})["application"])["enabled"], True)
    return [one for one in listed() if one["id"] == APP][0]


@step("the store of the other APIs has it")
def _():
    answer = send("POST", "/box/srv/1.1/admin/storeitem/list", b"{}", {"X-FH-AUTH-USER": token, "Content-Type": "application/json"})
    expect(answer.status, 200)
    (item,) = [one for one in answer.json["list"] if one["name"] == NAME]
    expect([one["type"] for one in item["binaries"]], ["android"])


@step("what is downloaded now is the same app with the policies in it" + (", verified by apksigner and read by aapt" if tools else ""))
def first_signed():
    path = downloaded(released, "signed.apk")
    checked_package(path)
    return path


@step("the document in the package is signed by the organization's key, and is the published one")
def document():
    jws = document_in(first_signed)
    said = json.loads(decoded(jws.split(".")[1]))
    expect_that(said["url"].startswith(base + "/"), str(said))
    published = send("GET", said["url"], length=False)
    expect((published.status, published.body.decode().strip()), (200, jws))
    keys_at = said["url"].rsplit("/", 1)[0] + "/keys"
    key_set = send("GET", keys_at, length=False)
    expect(key_set.status, 200)
    said = verified(jws, key_set.json["keys"], work)
    expect(said["application"], APP)
    found = {one["policy_id"]: one for one in said["policies"]}
    expect(set(found), {APP_USAGE, OPEN_WEB_PAGE})
    expect((found[OPEN_WEB_PAGE]["configuration"], found[OPEN_WEB_PAGE]["auth_required"]), (OPTIONS, True))
    expect_that("d" not in key_set.json["keys"][0], "no private key")
    return said


# ---- Another version


@step("a new version has no policies, and says which the former one had")
def previous():
    made = upload(f"/v1/applications/{APP}", {"version_num": "2.6", "version_note": "Faster"})
    expect((made["id"], made["version"]["version_num"], made["version"]["wrap_status"], made["enabled"]), (APP, "2.6", 4, True))
    standing = policies_of(APP)
    expect((standing["status"]["code"], standing["status"]["description"], standing["configurations"]), (4, "POLICIES PREVIOUSLY APPLIED", []))
    expect({one["policy_id"] for one in standing["previous_version_configurations"]}, {APP_USAGE, OPEN_WEB_PAGE})
    return standing["previous_version_configurations"]


@step("apply them again as the plugin does: what GET gave, with the old ids")
def _():
    again = apply(APP, previous)
    expect(sorted((one["policy_id"], one["configuration"], one["auth_required"]) for one in again["configurations"]), sorted((one["policy_id"], one["configuration"], one["auth_required"]) for one in previous))


@step("sign as the Python client asks, with an empty body that is said to be JSON")
def _():
    asked_to_sign(send("PUT", f"/v1/applications/{APP}/credentials/{credential}", b"", {"X-TOKEN": user_token, "Content-Type": "application/json"}))
    signed(APP)
    checked_package(downloaded(app, "signed-again.apk"))


@step("the published document has moved on")
def _():
    answer = send("GET", document["url"], length=False)
    key_set = send("GET", document["url"].rsplit("/", 1)[0] + "/keys", length=False)
    newer = verified(answer.body.decode().strip(), key_set.json["keys"], work)
    expect_that(newer["serial"] > document["serial"], f"{newer['serial']} after {document['serial']}")


@step("the Python client's calls: without the slash, the older answers")
def _():
    expect(ask("PUT", f"/v1/applications/{APP}", {"enabled": False, "version_note": "Out of the store"})["update_application_result"], True)
    (mine,) = [one for one in listed("/v1/applications") if one["id"] == APP]
    expect((mine["enabled"], mine["version"]["version_note"]), (False, "Out of the store"))


@step("sign as the Node client asks, by PUT with a body")
def _():
    answer = send("PUT", f"/v1/applications/{APP}/credentials/{credential}", as_json({"enabled": True}), {"X-TOKEN": token, "Content-Type": "application/json"})
    asked_to_sign(answer)
    signed(APP, {"enabled": True})


@step("take the policies away, and apply one that asks for nothing")
def _():
    ask("DELETE", f"/v2/applications/{APP}/policies/")
    wait_for("the status of the policies", lambda: policies_of(APP)["status"]["code"], [1, 2, 3])
    expect(policies_of(APP)["configurations"], [])
    apply(APP, [{"policy_id": "com.apperian.self-update"}])


# ---- The older calls


@step("the older calls: sign in, create, upload, publish, listed")
def old_app():
    session = call("user.authenticateuser", {"email": ADMIN, "password": given.password})["token"]
    begun = call("apps.create", {"token": session})
    body, kind = form(("LUuploadFile", "app.apk", ["Content-Type: application/octet-stream"], package))
    answer = send("POST", begun["fileUploadURL"], body, {"Content-Type": kind})
    expect(answer.status, 200, answer.body.decode(errors="replace"))
    meta = {"author": "CI", "name": f"Old {this_run}", "shortdescription": "Short", "longdescription": "Long", "version": "1.4", "versionNotes": "Notes"}
    publish = {"token": session, "EASEmetadata": meta, "files": {"application": answer.json["fileID"]}, "transactionID": begun["transactionID"]}
    made = call("apps.publish", publish)
    expect(call("apps.publish", publish)["appID"], made["appID"], "asked again")
    (mine,) = [one for one in call("apps.getlist", {"token": session})["applications"] if one["ID"] == made["appID"]]
    expect({key: mine[key] for key in meta}, meta)
    expect(mine.get("bundleId"), app["bundle_id"])
    return made["appID"]


@step("the older calls: another version of it")
def _():
    begun = call("apps.update", {"token": token, "appID": old_app})
    body, kind = form(("LUuploadFile", "app.apk", ["Content-Type: application/octet-stream"], package))
    file_id = send("POST", begun["fileUploadURL"], body, {"Content-Type": kind}).json["fileID"]
    meta = {"author": "CI", "name": f"Old {this_run}", "shortdescription": "Short", "longdescription": "Long", "version": "1.5", "versionNotes": "More"}
    made = call("apps.publish", {"token": token, "EASEmetadata": meta, "files": {"application": file_id}, "transactionID": begun["transactionID"]})
    expect(made["appID"], old_app)
    (mine,) = [one for one in listed() if one["id"] == old_app]
    expect((mine["version"]["version_num"], mine["version"]["author"]), ("1.5", "CI"))


@step("the older calls' errors")
def _():
    call("apps.getlist", {"token": "OxS8iqSHSSmRqcqQ1pXXwg"}, error=666)
    call("apps.update", {"token": token}, error=-32602)
    call("apps.none", {"token": token}, error=-32601)
    call("user.authenticateuser", {"email": ADMIN, "password": "wrong"}, error=1)


# ---- Clearing up


@step("delete the apps")
def _():
    for app_id in (APP, old_app):
        expect_that("deleted_application" in ask("DELETE", f"/v1/applications/{app_id}"), "what was deleted")
        ask("GET", f"/v2/applications/{app_id}", status=404)
        ask("GET", f"/v2/applications/{app_id}/policies/", status=404)
    expect([one["id"] for one in listed() if one["id"] in (APP, old_app)], [])


@step("delete the credential: nothing can be signed with it any more")
def _():
    ask("DELETE", f"/v1/credentials/{credential}")
    expect([one for one in ask("GET", "/v1/credentials/")["credentials"] if one["psk"] == credential], [])
    ask("DELETE", f"/v1/credentials/{credential}", status=404)


@step("give the token of the sign-in back: it is out at once, that of the file is not")
def _():
    ask("DELETE", "/v2/users/authenticate/", who=user_token)
    ask("GET", "/v2/applications", status=401, who=user_token)
    listed()


print(f"{passed} passed, 0 failed")
