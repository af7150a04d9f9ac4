"""A client of the PingID API that knows nothing of this project: PyJWT signs its messages and verifies every answer.

    pingid.py --properties FILE --url URL --password PASSWORD
"""

import argparse
import base64
import datetime
import json
import re
import sys
import urllib.error
import urllib.request

import jwt

ADMIN = "/box/srv/1.1/admin/pingid"
passed = 0


def step(name):
    global passed
    passed += 1
    print(f"ok - {name}", flush=True)


def expect(got, wanted, what):
    if got != wanted:
        sys.exit(f"not ok - {what}\nexpected: {wanted!r}\ngot:      {got!r}")


def read_properties(text):
    """As Java reads them: comments go, and what a backslash stands before is meant."""
    fields = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "!")):
            name, _, value = line.partition("=")
            fields[name.strip()] = re.sub(r"\\(.)", r"\1", value.strip())
    return fields


def send(request):
    """Status, content type and text of an answer, whatever the status is."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers["content-type"], answer.read().decode()


class Client:
    def __init__(self, properties, spelling="org_alias", version="4.9"):
        self.url, self.alias, self.token = properties["idp_url"], properties["org_alias"], properties["token"]
        self.key = base64.b64decode(properties["use_base64_key"], validate=True)
        self.spelling, self.version = spelling, version

    def call(self, operation, body, status=200):
        now = datetime.datetime.now(datetime.timezone.utc)
        sent = now.strftime("%Y-%m-%d %H:%M:%S.") + f"{now.microsecond // 1000:03}"
        header = {"locale": "en", "orgAlias": self.alias, "secretKey": self.token, "timestamp": sent, "version": self.version}
        message = jwt.encode({"reqHeader": header, "reqBody": body}, self.key, "HS256", headers={self.spelling: self.alias, "token": self.token})
        return self.answer(operation, message, status)

    def answer(self, operation, message, status=200):
        request = urllib.request.Request(f"{self.url}/rest/4/{operation}/do", message.encode(), {"Content-Type": "application/json"})
        got, content_type, text = send(request)
        expect(got, status, f"{operation}: {text}")
        expect(content_type.split(";")[0], "application/json", operation)
        opened = jwt.decode(text, self.key, algorithms=["HS256"])
        expect(jwt.get_unverified_header(text), {"alg": "HS256", "org_alias": self.alias, "token": self.token}, operation)
        said = opened["responseBody"]
        if not re.fullmatch(r"webs_[A-Za-z0-9_-]{43}", said["uniqueMsgId"]):
            sys.exit(f"not ok - {operation}: {said}")
        return said

    def list(self):
        return {application["id"]: application["name"] for application in self.call("getapplications", {})["applications"]}


class Administrator:
    def __init__(self, url, password):
        self.url = url
        login = json.dumps({"u": "admin@example.com", "p": password, "d": "dev"}).encode()
        request = urllib.request.Request(f"{url}/box/srv/1.1/act/sys/auth/login", login, {"Content-Type": "application/json"})
        status, _, text = send(request)
        expect(status, 200, text)
        self.cookie = f"feedhenry={json.loads(text)['login']}"

    def get(self, what):
        status, _, text = send(urllib.request.Request(f"{self.url}{ADMIN}/{what}", headers={"Cookie": self.cookie}))
        expect(status, 200, text)
        return text

    def post(self, what, body):
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        status, _, text = send(urllib.request.Request(f"{self.url}{ADMIN}/{what}", json.dumps(body).encode(), headers))
        expect(status, 200, text)
        return json.loads(text)


def operations(client, prefix):
    one, two, three = (f"https://{prefix}.example/saml?{number}" for number in ("one", "two", "three"))
    said = client.call("addapplication", {"application": {"id": one, "name": "Löhne 1"}, "clientData": "state"})
    expect((said["errorId"], said["errorMsg"], said["clientData"]), (200, None, "state"), "the answer of an addition")
    expect(said["application"], {"id": one, "name": "Löhne 1"}, "what was added")
    client.call("addapplication", {"application": {"id": two, "name": "Second"}})
    before = client.list()
    expect((before[one], before[two]), ("Löhne 1", "Second"), "the list")
    step(f"{prefix}: two applications are added and listed")

    client.call("updateapplications", {"appsData": {one: {"id": two}, two: {"id": one, "name": "Swapped"}}})
    after = client.list()
    expect((after[one], after[two]), ("Swapped", "Löhne 1"), "the list after a swap")
    client.call("updateapplications", {"appsData": {one: {"id": three}, two: {"name": "Wages"}}})
    after = client.list()
    expect((after.get(one), after[two], after[three]), (None, "Wages", "Swapped"), "the list after a rename")
    step(f"{prefix}: two ids change places in one call")

    for operation, body, text in [
        ("addapplication", {"application": {"id": two, "name": "Again"}}, "already"),
        ("addapplication", {"application": {"id": "x", "name": "n" * 21}}, "application.name has more than 20 characters"),
        ("addapplication", {"application": {"name": "X"}}, "application.id is missing"),
        ("updateapplications", {"appsData": {three: {"name": "X"}, "nobody": {"name": "X"}}}, "nobody"),
        ("deleteapplications", {"applicationsIds": [two, "nobody"]}, "nobody"),
    ]:
        said = client.call(operation, {**body, "clientData": "kept"}, status=400)
        expect((said["errorId"], said["clientData"]), (400, "kept"), f"the refusal of {operation}")
        if not said["errorMsg"].startswith("Invalid input. ") or text not in said["errorMsg"]:
            sys.exit(f"not ok - {operation}: {said}")
    expect(client.list(), after, "the list after what was refused")
    step(f"{prefix}: refusals are signed, say why and change nothing")

    client.call("deleteapplications", {"applicationsIds": [two, three]})
    expect({two, three} & client.list().keys(), set(), "the list after a deletion")
    step(f"{prefix}: two applications are deleted")


def refusals(client):
    forged = jwt.encode({"reqHeader": {}, "reqBody": {}}, b"\x07" * 32, "HS256", headers={"org_alias": client.alias, "token": client.token})
    said = client.answer("getapplications", forged, status=403)
    expect((said["errorId"], said["errorMsg"]), (403, "Request signature is not valid"), "a wrong signature")
    unsigned = jwt.encode({"reqHeader": {}, "reqBody": {}}, None, "none", headers={"org_alias": client.alias, "token": client.token})
    stranger = jwt.encode({"reqHeader": {}, "reqBody": {}}, client.key, "HS256", headers={"org_alias": client.alias, "token": "0" * 40})
    for message in (unsigned, stranger):
        request = urllib.request.Request(f"{client.url}/rest/4/getapplications/do", message.encode(), {"Content-Type": "application/json"})
        status, _, text = send(request)
        expect((status, json.loads(text)["responseBody"]["errorId"]), (403, 403), text)
    step("wrong signatures are refused: signed where the key is known, plain where it is not")


def rotation(administrator, former):
    administrator.post("rotate", {"validDays": 1})
    current = Client(read_properties(administrator.get("pingid.properties")))
    if current.key == former.key or current.token == former.token:
        sys.exit("not ok - the key was not rotated")
    expect(former.list(), current.list(), "the lists by both keys")
    keys = json.loads(administrator.get("settings"))["keys"]
    expect([key["current"] for key in keys], [True, False], "the keys")
    step("after a rotation both keys sign, each its own answers")
    administrator.post("retire", {})
    message = jwt.encode({"reqHeader": {}, "reqBody": {}}, former.key, "HS256", headers={"org_alias": former.alias, "token": former.token})
    request = urllib.request.Request(f"{former.url}/rest/4/getapplications/do", message.encode(), {"Content-Type": "application/json"})
    expect(send(request)[0], 403, "the former key after its end")
    current.list()
    step("a retired key signs no more")


def main():
    parser = argparse.ArgumentParser()
    for name in ("properties", "url", "password"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    with open(given.properties, encoding="ascii") as file:
        properties = read_properties(file.read())
    expect(properties["idp_url"], f"{given.url}/pingid", "idp_url")
    former = Client(properties)
    operations(former, "org-alias")
    # As the vendor's Python sample writes its header: PyJWT adds `typ`.
    operations(Client(properties, spelling="orgAlias", version="4.9.17"), "orgAlias")
    refusals(former)
    rotation(Administrator(given.url, given.password), former)
    print(f"{passed} passed, 0 failed")


main()
