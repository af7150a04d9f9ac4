#!/usr/bin/env python3
"""Checks tests/documented/apperian: every file whole, every step, matcher and reference known, every operation covered."""
import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True  # check.py stands beside this

from check import ALWAYS, CONTENTS, MATCHERS, SEVERAL, STEPS, check_frame, check_references, check_request, check_response, gap, gaps, no_twins, rows, steps_of, texts

HERE = Path(__file__).resolve().parent
README = (HERE / "README-apperian.md").read_text(encoding="utf-8")
WSO2 = (HERE / "README-wso2.md").read_text(encoding="utf-8")
FIELDS = ["section", "title", "repairs", "as", "given", "request", "response"]
CALLERS = {"apperian-admin", "apperian-token", "apperian-member", "nobody"}
OWN_STEPS = steps_of(README)
STEPS = STEPS | steps_of(WSO2) | OWN_STEPS
NAMES = {name for text in (README, WSO2) for name, _ in rows(text)}
OWN_NAMES = {name for name, _ in rows(README)}
CONTENTS = CONTENTS | {name for name in NAMES if name.startswith("@")}
MATCHERS = MATCHERS | {name for name in NAMES if name.startswith("<<")} | SEVERAL
ALWAYS = ALWAYS | {name for name in NAMES if name.startswith("$") and not name.startswith("$answer.")}
ANSWER = {name for name in NAMES if name.startswith("$answer.")}
CALLS = "/ease.interface.php"
# The codes of the older calls' errors that clients know.
CODES = {666, -32602, -32601, -32700, 1}
# The paths in the forms that the API's clients write them.
FORMS = ["/v1/applications", "/v2/applications", "/v2/applications/", "/v2/applications/$native.id/policies", "/v2/applications/$native.id/policies/", "/v1/credentials", "/v1/credentials/", "/users/authenticate/", "/v2/users/authenticate/"]
# Where the policies of an app can stand.
STATUSES = {0: "NO POLICIES", 1: "POLICIES AND SIGNED", 3: "POLICIES NOT SIGNED", 4: "POLICIES PREVIOUSLY APPLIED"}


def is_matcher(text):
    return text in MATCHERS or re.fullmatch(r"<<one-of:[^<>|]+(\|[^<>|]+)+>>", text) or re.fullmatch(r"<<int:\$\w+(\.\w+)*>>", text)


def method_of(request):
    """The method that a call names."""
    body = request["body"] or {}
    named = re.search(r'"method":"([^"]*)"', request.get("raw") or "")
    return body.get("method") or (named.group(1) if named else "")


def is_of(request, method, path):
    asked = urlsplit(request["path"]).path
    asked = re.sub(r"^/v[12](?=/)", "", asked)
    if asked == CALLS:
        asked += "/" + method_of(request)
    shape = re.sub(r"\\\([^/]+\\\)|\\\{[^/]+\\\}", "[^/]*", re.escape(path)).rstrip("/") + "/?"
    # What a step made of an answer's address.
    return request["method"] == method and (re.fullmatch(shape, asked) is not None or (path == "/upload" and asked == "$transaction.path"))


def check_exchange(where, request, response):
    if not check_request(where, request, ("body", "multipart", "raw"), CONTENTS, body_of_get=True, typed=True):
        return
    check_response(where, response, ("headers", "body", "contains"), is_matcher)
    if not request["path"].startswith(("/", "$transaction.path")) or " " in request["path"] or "#" in request["path"]:
        gap(where, f"path {request['path']}")
    if ("raw" in request) != ("Content-Type" in request["headers"]):
        gap(where, "raw and Content-Type go together")
    if any(name != name.lower() for name in response.get("headers", {})):
        gap(where, "names of the answer's headers are in lower case")
    for text in texts(response):
        if re.search(r"\.\.\.|…", text):
            gap(where, f"left over from the document: {text}")
    status, body = response["status"], response.get("body")
    if urlsplit(request["path"]).path == CALLS:
        good = isinstance(body.get("result"), dict) and body.get("error") == "<<absent>>"
        bad = isinstance(body.get("error"), dict) and body.get("result") == "<<absent>>" and body["error"].get("code") in CODES | {"<<number>>"}
        if status != 200 or good == bad:
            gap(where, "a call is answered with 200 and with either result or error")
    elif status >= 400:
        if body != {"error": {"code": status, "message": "<<text>>"}}:
            gap(where, "an error is error.code, which is the status, and error.message")
    elif status not in (200, 202, 302):
        gap(where, f"clients take no {status} for a success")


def check(where, case, operations):
    for field in FIELDS:
        if field not in case:
            gap(where, f"no {field}")
            return False
    if set(case) - {*FIELDS, "then", "until"}:
        gap(where, f"fields {sorted(case)}")
    operation = operations.get(case["section"])
    if not operation:
        gap(where, f"unknown section {case['section']}")
        return False
    document, number = case["section"].split(" ")
    if not where.startswith(f"{document.removeprefix('000')}{number}-"):
        gap(where, "the file name does not begin with the section")
    check_frame(where, case, STEPS)
    times = Counter(name for step in case["given"] for name in STEPS.get(step, ()))
    check_references(where, [case["request"], case["response"]], times, ALWAYS)
    for one in case.get("then", []):
        check_references(where, [one["request"], one["response"]], times, ALWAYS | ANSWER)
    for number, one in enumerate([case, *case.get("then", [])]):
        place = f"{where} then {number}" if number else where
        if number and (set(one) - {"as", "request", "response", "until"} or not {"request", "response"} <= set(one)):
            gap(place, f"fields {sorted(one)}")
            continue
        if one.get("as", "nobody") not in CALLERS:
            gap(place, f"as {one['as']}")
        if one.get("until", True) is not True:
            gap(place, "until is true or not there")
        check_exchange(place, one["request"], one["response"])
    _, method, path = operation
    if not is_of(case["request"], method, path):
        gap(where, f"{case['request']['method']} {case['request']['path']} is not {method} {path}")
    return True


def main():
    operations = {}
    for line in (HERE / "apperian-operations.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        section, *operation = line.split("\t")
        operations[section] = operation
    for line in (HERE / "operations.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("apperian\t"):
            _, section, *operation = line.split("\t")
            operations[section] = operation

    cases = {}
    for path in sorted((HERE / "apperian").glob("*.json")):
        try:
            case = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_twins)
        except ValueError as error:
            gap(path.name, error)
            continue
        if check(path.name, case, operations):
            cases[path.name] = case

    per = Counter(case["section"] for case in cases.values())
    for section, (name, *_) in operations.items():
        those = [case for case in cases.values() if case["section"] == section]
        failed = [case for case in those if case["response"]["status"] >= 400 or "code" in str(case["response"].get("body", {}).get("error"))]
        if section != "000b 7" and len(failed) == len(those):
            gap(section, f"{name}: no case of success")
        if section.startswith("000 "):
            wanted = {"000 1": {401}, "000 2": {401, 403}, "000 3": {400, 401, 403, 404}, "000 4": {401, 403, 404}}[section]
            for status in sorted(wanted - {case["response"]["status"] for case in failed}):
                gap(section, f"{name}: no case of {status}")
    paths = {case["request"]["path"] for case in cases.values() if case["response"]["status"] < 400}
    for form in FORMS:
        if form not in paths:
            gap("apperian", f"no case asks for {form}")
    answers = [one["response"] for case in cases.values() for one in [case, *case.get("then", [])]]
    told = [answer["body"]["status"] for answer in answers if isinstance(answer.get("body", {}).get("status"), dict)]
    for code, name in STATUSES.items():
        if {"code": code, "description": name} not in told:
            gap("apperian", f"no answer of the status {code}")
    codes = {answer["body"]["error"]["code"] for answer in answers if isinstance(answer.get("body", {}).get("error"), dict)}
    for code in sorted(CODES - codes):
        gap("apperian", f"no answer of the code {code}")
    types = [part.get("type", "") for case in cases.values() for part in case["request"].get("multipart") or []]
    if not any(kind.endswith("charset=ISO-8859-1") for kind in types):
        gap("apperian", "no fields in ISO-8859-1")
    if not any(case["request"]["method"] == "GET" and case["request"]["body"] for case in cases.values()):
        gap("apperian", "no GET with a body")

    used = {step for case in cases.values() for step in case["given"]}
    for step in sorted(set(OWN_STEPS) - used):
        gap("README-apperian.md", f"step {step} is used by no file")
    said = "\n".join(text for case in cases.values() for text in texts(case))
    for name in sorted(OWN_NAMES):
        if name.startswith(("<<", "$answer.")) and re.split("[:>|]", name.removeprefix("<<"))[0] not in said:
            gap("README-apperian.md", f"{name} is used by no file")

    print(" ".join(f"{section.removeprefix('000').strip().replace(' ', '')}:{per[section]}" for section in sorted(operations, key=lambda one: (one.split(" ")[0], int(one.split(" ")[1])))))
    print(f"{len(cases)} files, {len(operations)} operations, {len(OWN_STEPS)} steps, {len(gaps)} gaps")
    for one in gaps:
        print("gap:", one)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
