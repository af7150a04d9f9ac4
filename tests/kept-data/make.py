#!/usr/bin/env python3
"""Makes a folder of kept data with the program of a release, and what the release answers about it.

    tests/kept-data/make.py --program target/debug/appdepot 0.4

It needs Python 3.9 or later and nothing else. See README.md beside it.
"""

import argparse
import base64
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import reads
from fill import fill
from server import Member, Server

HERE = Path(__file__).parent
HEADERS = ("content-type", "location", "content-disposition")


def said(server, path, answer):
    """What an answer says, without the address of the server and the storage's signature."""
    def plain(text):
        return re.sub(r"\?X-Amz-.*", "?X-Amz", text.replace(server.url, "{url}"))

    headers = {name: plain(answer.headers[name]) for name in HEADERS if name in answer.headers}
    if path.startswith("/pingid/"):
        # A signed message: its second part is what it says.
        payload = answer.body.split(b".")[1]
        message = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return {"status": answer.status, "headers": headers, "message": message}
    try:
        text = answer.body.decode().replace(server.url, "{url}")
    except UnicodeDecodeError:
        return {"status": answer.status, "headers": headers, "bytes": answer.body.hex()}
    try:
        return {"status": answer.status, "headers": headers, "json": json.loads(text)}
    except ValueError:
        return {"status": answer.status, "headers": headers, "text": text}


def answers(program, data, requests):
    """The answers that the program gives on a copy of the data."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        shutil.copytree(data, copy)
        with Server(program, copy) as server:
            member = Member(server)
            who = {"key": {"x-fh-auth-user": member.key}, "bearer": member.bearer,
                   "token": member.token, "nobody": {}}
            told = []
            for request in requests:
                headers = dict(who[request["as"]])
                body = request.get("json")
                if "text" in request:
                    headers["content-type"], body = "application/json", request["text"]
                answer = server.send(request["method"], request["path"], body, headers)
                told.append(said(server, request["path"], answer))
            return told


def masked(one, other, path, found):
    """The first of two answers, with what differs between them known by its kind alone."""
    if type(one) is type(other) and isinstance(one, dict) and one.keys() == other.keys():
        return {key: masked(one[key], other[key], f"{path}/{key}", found) for key in one}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other))
        return [masked(a, b, f"{path}/{index}", found) for index, (a, b) in pairs]
    if one == other:
        return one
    kinds = {str: "string", int: "number"}
    if type(one) is not type(other) or type(one) not in kinds:
        sys.exit(f"{path} differs: {one!r} and {other!r}")
    found.append(path)
    return {"$any": kinds[type(one)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="the server of the release")
    parser.add_argument("--keep-data", action="store_true", help="record the answers anew")
    parser.add_argument("release", help="such as 0.4")
    options = parser.parse_args()
    folder = HERE / options.release
    data, facts = folder / "data", folder / "facts.json"
    if not options.keep_data:
        shutil.rmtree(folder, ignore_errors=True)
        data.mkdir(parents=True)
        fixture = fill(options.program, data)
        fixture["made"] = int(time.time())
        facts.write_text(json.dumps(fixture, indent=1, sort_keys=True) + "\n")
    requests = reads.requests(json.loads(facts.read_text()), data)
    first = answers(options.program, data, requests)
    # Another second, another port, another process: what differs now differs always.
    time.sleep(2)
    second = answers(options.program, data, requests)
    recorded, found = [], []
    for request, one, other in zip(requests, first, second):
        where = f"{request['method']} {request['path']}"
        if one["status"] >= 400:
            sys.exit(f"{where} {request.get('json')}: {one}")
        recorded.append({**request, "answer": masked(one, other, where, found)})
    text = json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "answers.json").write_text(text + "\n")
    print(f"{len(recorded)} answers; known by their kind alone:", *found, sep="\n  ")


if __name__ == "__main__":
    main()
