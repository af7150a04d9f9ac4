"""A local server as a process, and the requests that are sent to it. Needs nothing but Python."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from urllib.parse import urlencode, urlsplit

PASSWORD = "a test password"
ADMIN = "admin@example.com"
ADMIN_API = "/box/srv/1.1/admin"
PUBLISHER = "/api/appm/publisher/v1.1"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def multipart(files, fields):
    """A form: files as (part, file name, bytes)."""
    boundary, lines = "------------------------5d0a1c27", []
    for part, name, content in files:
        head = f'Content-Disposition: form-data; name="{part}"; filename="{name}"'
        lines += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
    for part, text in fields.items():
        head = f'Content-Disposition: form-data; name="{part}"'
        lines.append(f"--{boundary}\r\n{head}\r\n\r\n{text}\r\n".encode())
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), {"content-type": f"multipart/form-data; boundary={boundary}"}


def basic(name, password):
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Server:
    """The program on a data folder, at a free port. It ends with the block that it is used in."""

    def __init__(self, program, data, *options):
        env = {k: v for k, v in os.environ.items() if not k.startswith("APPDEPOT_")}
        env["APPDEPOT_ADMIN_PASSWORD"] = PASSWORD
        command = [program, "--data", str(data), "--listen", "127.0.0.1:0", *options]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready "):
            self.log.seek(0)
            sys.exit(f"the server does not start: {line}{self.log.read().decode()}")
        self.url = line.split()[1]
        self.data = data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def kill(self):
        """Ends it in the middle of its work."""
        self.process.kill()
        self.process.wait(30)

    def settings(self, name):
        return (self.data / "clients" / name).read_text()

    def send(self, method, path, body=None, headers=None):
        target = urlsplit(path if path.startswith("http") else self.url + path)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        where = target.path + (f"?{target.query}" if target.query else "")
        connection.request(method, where, body, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, told, answer.read())

    def done(self, method, path, body=None, headers=None, status=(200, 201, 202)):
        """An answer that has to be a success."""
        answer = self.send(method, path, body, headers)
        if answer.status not in status:
            sys.exit(f"{method} {path} {body!r:.300}: {answer.status} {answer.body.decode()}")
        return answer


class Member:
    """An administrator who is signed in, with the credentials of each API."""

    def __init__(self, server, domain="dev", user=ADMIN, clients=None):
        self.server, self.domain = server, domain
        login = {"u": user, "p": PASSWORD, "d": domain}
        answer = server.done("POST", "/box/srv/1.1/act/sys/auth/login", login).json
        self.cookie = {"cookie": f"feedhenry={answer['login']}"}
        read = server.settings if clients is None else clients.__getitem__
        self.token = {"x-token": read("apperian-token").strip()}
        self.key = re.search("user_api_key = (.*)", read("fhcrc")).group(1)
        client = json.loads(read("wso2-client.json"))
        self.bearer = bearer(server, client)
        self.ping = ping_settings(read("pingid.properties"))

    def post(self, path, body, status=(200,)):
        return self.server.done("POST", path, body, self.cookie, status).json

    def admin(self, path, body):
        return self.post(f"{ADMIN_API}/{path}", body)

    def form(self, path, files, fields, headers=None):
        body, kind = multipart(files, fields)
        return self.server.done("POST", path, body, {**kind, **(headers or self.cookie)}).json

    def publish(self, method, path, body=None):
        return self.server.done(method, PUBLISHER + path, body, self.bearer)

    def native(self, method, path, body=None):
        return self.server.done(method, path, body, self.token).json


def bearer(server, client):
    """A token of every scope, by the administrator's password and the client of the settings."""
    form = {"grant_type": "password", "username": client["username"], "password": PASSWORD}
    headers = basic(client["clientId"], client["clientSecret"])
    headers["content-type"] = "application/x-www-form-urlencoded"
    granted = server.done("POST", "/oauth2/token", urlencode(form), headers).json
    return {"authorization": f"Bearer {granted['access_token']}"}


def ping_settings(text):
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    fields = {name.strip(): value.strip().replace("\\", "") for name, value in lines}
    return fields["org_alias"], fields["token"], base64.b64decode(fields["use_base64_key"])


def ping_message(settings, body, sent):
    """A signed message of the PingID API."""
    alias, token, key = settings

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    header = {"alg": "HS256", "org_alias": alias, "token": token}
    request = {"locale": "en", "orgAlias": alias, "secretKey": token, "timestamp": sent}
    payload = {"reqHeader": {**request, "version": "4.9"}, "reqBody": body}
    text = b".".join(part(json.dumps(value).encode()) for value in (header, payload))
    return (text + b"." + part(hmac.new(key, text, hashlib.sha256).digest())).decode()
