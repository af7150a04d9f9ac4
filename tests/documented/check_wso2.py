#!/usr/bin/env python3
"""Checks tests/documented/wso2: every file whole, every step, matcher and reference known, every operation covered."""
import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True  # check.py stands beside this

from check import ALWAYS, CONTENTS, MATCHERS, STEPS, check_frame, check_references, check_request, check_response, gap, gaps, no_twins, rows, steps_of, texts

HERE = Path(__file__).resolve().parent
README = (HERE / "README-wso2.md").read_text(encoding="utf-8")
FIELDS = ["section", "title", "repairs", "as", "given", "request", "response"]
BODIES = ("body", "multipart", "raw", "form")
SCOPES = {
    "wso2-admin": {"read", "create", "update", "publish", "administration"},
    "wso2-creator": {"read", "create", "update"},
    "wso2-publisher": {"read", "publish"},
    "wso2-reader": {"read"},
    "wso2-administration": {"administration"},
    "admin": set(),
    "nobody": set(),
}
MESSAGES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Resource Already Exists", 412: "Precondition Failed", 415: "Unsupported Media Type"}
# What document 001 lists for each operation, and 304 where it has If-None-Match.
DOCUMENTED = {
    1: {200, 403, 404, 412}, 2: {202, 400, 404, 412}, 3: {200, 304, 400, 403, 404}, 4: {201, 400, 415}, 5: {200, 403, 404, 412}, 6: {200, 403, 404},
    7: {200, 304, 400, 403, 404}, 8: {200, 400, 403, 404, 412}, 9: {200, 304, 400, 403, 404}, 10: {201, 400, 415}, 11: {200, 304, 400, 403, 404},
    12: {200, 400, 404, 412}, 13: {200, 400, 404, 412}, 14: {200, 304, 400, 403, 404},
}
# From state to action to state; mobile apps know neither Revert nor Recycle.
LIFE_CYCLE = [
    ("created", "submit-for-review"), ("in-review", "approve"), ("in-review", "reject"), ("approved", "publish"), ("approved", "revert"), ("rejected", "submit-for-review"),
    ("published", "unpublish"), ("published", "deprecate"), ("unpublished", "re-publish"), ("unpublished", "retire"), ("unpublished", "recycle"), ("deprecated", "retire"),
]
STATES = {state for state, _ in LIFE_CYCLE} | {"retired"}


OWN_STEPS = steps_of(README)
STEPS = STEPS | OWN_STEPS
NAMES = {name for name, _ in rows(README)}
MATCHERS = MATCHERS | {name for name in NAMES if name.startswith("<<")}
CONTENTS = CONTENTS | {name for name in NAMES if name.startswith("@")}
ALWAYS = ALWAYS | {name for name in NAMES if name.startswith("$") and not name.startswith("$answer.")}
ANSWER = {name for name in NAMES if name.startswith("$answer.")}


def is_matcher(text):
    known = text in MATCHERS or re.fullmatch(r"<<set:([^<>|]+(\|[^<>|]+)*)?>>", text) or re.fullmatch(r"<<words:\S+( \S+)*>>", text)
    return known or re.fullmatch(r"<<int:\$\w+(\.\w+)+>>", text)


def check_exchange(where, request, response):
    if not check_request(where, request, BODIES, CONTENTS) or not check_response(where, response, ("headers", "body", "contains", "empty"), is_matcher):
        return
    if not request["path"].startswith(("/", "$answer.")) or " " in request["path"] or "#" in request["path"]:
        gap(where, f"path {request['path']}")
    if ("raw" in request) != ("Content-Type" in request["headers"]):
        gap(where, "raw and Content-Type go together")
    if not all(isinstance(value, str) for value in (request.get("form") or {}).values()):
        gap(where, "form is an object of texts")
    if response.get("empty", True) is not True or ("empty" in response and {"body", "contains"} & set(response)):
        gap(where, "empty is true and stands without body and contains")
    if response["status"] == 304 and "empty" not in response:
        gap(where, "304 has no body")
    if any(name != name.lower() for name in response.get("headers", {})):
        gap(where, "names of the answer's headers are in lower case")
    for text in texts(response):
        if re.search(r"\.\.\.|…", text):
            gap(where, f"left over from the document: {text}")
    check_error(where, request, response)


def check_error(where, request, response):
    status, body = response["status"], response.get("body")
    if status < 400:
        return
    path = request["path"]
    if path.startswith("/oauth2/"):
        if not isinstance(body, dict) or set(body) != {"error", "error_description"}:
            gap(where, "an error of OAuth is error and error_description")
    elif path.startswith("/box/"):
        pass
    elif status == 401:
        if set(body) != {"code", "message"} or body["code"] != 401 or "www-authenticate" not in response.get("headers", {}):
            gap(where, "401 is code, message and WWW-Authenticate")
    elif set(body) != {"code", "message", "description", "moreInfo", "error"} or body["code"] != status or body["message"] != MESSAGES.get(status):
        gap(where, "an error is code, message, description, moreInfo and error")


def is_of(request, method, path):
    shape = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)).rstrip("/") + "/?"
    return request["method"] == method and re.fullmatch(shape, urlsplit(request["path"]).path) is not None


def check_scope(where, request, status, caller, operations):
    """Whoever gets another answer than 401 or 403 holds the scope that the operation asks for; 401 is for those without a token."""
    scopes = [(path.count("{"), scope) for _, method, path, scope in operations.values() if is_of(request, method, path)]
    scope = min(scopes)[1] if scopes else "-"
    if scope == "-":
        return
    holds = scope.removeprefix("appm:") in SCOPES[caller]
    bearer = caller == "nobody" and "Authorization" in request["headers"]
    if (status == 401 and holds) or (status not in (401, 403) and not holds and not bearer):
        gap(where, f"{status} as {caller}, and the operation asks for {scope}")


def check(where, case, operations):
    for field in FIELDS:
        if field not in case:
            gap(where, f"no {field}")
            return False
    if set(case) - {*FIELDS, "then"}:
        gap(where, f"fields {sorted(case)}")
    operation = operations.get(case["section"])
    if not operation:
        gap(where, f"unknown section {case['section']}")
        return False
    document, number = case["section"].split(" ")
    if not where.startswith(f"{document.removeprefix('001')}{number}-"):
        gap(where, "the file name does not begin with the section")
    if case["as"] not in SCOPES or any(one.get("as", "nobody") not in SCOPES for one in case.get("then", [])):
        gap(where, f"as {case['as']}")
        return False
    check_frame(where, case, STEPS)
    times = Counter(name for step in case["given"] for name in STEPS.get(step, ()))
    check_exchange(where, case["request"], case["response"])
    check_references(where, [case["request"], case["response"]], times, ALWAYS)
    for number, one in enumerate(case.get("then", []), 1):
        if set(one) - {"as", "request", "response"} or not {"request", "response"} <= set(one):
            gap(where, f"fields of then {number}: {sorted(one)}")
            continue
        check_exchange(f"{where} then {number}", one["request"], one["response"])
        check_references(f"{where} then {number}", [one["request"], one["response"]], times, ALWAYS | ANSWER)

    _, method, path, scope = operation
    if not is_of(case["request"], method, path):
        gap(where, f"{case['request']['method']} {case['request']['path']} is not {method} {path}")
    for one in [case, *case.get("then", [])]:
        check_scope(where, one["request"], one["response"]["status"], one.get("as", case["as"]), operations)
    return True


def main():
    operations = {}
    for line in (HERE / "wso2-operations.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        section, *operation = line.split("\t")
        operations[section] = operation
    published = [section for section, (*_, scope) in operations.items() if scope != "-"]
    if len(published) != 43:
        gap("wso2-operations.tsv", f"{len(published)} operations of the published API, not 43")
    printed = [line.split("\t") for line in (HERE / "operations.tsv").read_text(encoding="utf-8").splitlines() if line.startswith("wso2\t")]
    for _, section, name, method, path in printed:
        if operations.get(section, [])[:3] != [name, method, path.split("?")[0]]:
            gap("wso2-operations.tsv", f"{section} is not the row of operations.tsv")

    cases = {}
    for path in sorted((HERE / "wso2").glob("*.json")):
        try:
            case = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_twins)
        except ValueError as error:
            gap(path.name, error)
            continue
        if check(path.name, case, operations):
            cases[path.name] = case
    per = Counter(case["section"] for case in cases.values())
    statuses = {section: Counter() for section in operations}
    for case in cases.values():
        statuses[case["section"]][case["response"]["status"]] += 1
    for section, (name, method, _, scope) in operations.items():
        have = set(statuses[section])
        if not any(status < 400 and status != 304 for status in have):
            gap(section, f"{name}: no case of success")
        if not any(status >= 400 for status in have):
            gap(section, f"{name}: no case of an error")
        wanted = {401, 403} if scope != "-" else set()
        if scope != "-" and method == "GET":
            wanted |= {304}
        if section.startswith("001 "):
            wanted |= DOCUMENTED[int(section.split(" ")[1])]
        for status in sorted(wanted - have):
            gap(section, f"{name}: no case of {status}")
    for kind in ("webapp", "mobileapp"):
        for state, action in LIFE_CYCLE:
            known = kind == "webapp" or action not in ("revert", "recycle")
            prefix = "change-app-status-" if known else "change-app-status-error-"
            if f"2-{prefix}{kind}-{state}-{action}.json" not in cases:
                gap("001 2", f"no case of {action} from {state} of a {kind}")
        for state in STATES:
            if f"a4-get-lifecycle-{kind}-{state}.json" not in cases:
                gap("001a 4", f"no case of {state} of a {kind}")
            if not any(name.startswith(f"2-change-app-status-error-{kind}-{state}-") for name in cases):
                gap("001 2", f"no refused action from {state} of a {kind}")
    used = {step for case in cases.values() for step in case["given"]}
    for step in sorted(set(OWN_STEPS) - used):
        gap("README-wso2.md", f"step {step} is used by no file")
    said = "\n".join(text for case in cases.values() for text in texts(case))
    for matcher in sorted(name for name, _ in rows(README) if name.startswith("<<")):
        if re.split("[:$>|]", matcher[2:])[0] not in said:
            gap("README-wso2.md", f"matcher {matcher} is used by no file")

    print(" ".join(f"{section.replace('001 ', '').replace('001a ', 'a').replace('001b ', 'b')}:{per[section]}" for section in operations))
    print(f"{len(cases)} files, {len(operations)} operations, {len(OWN_STEPS)} steps, {len(gaps)} gaps")
    for one in gaps:
        print("gap:", one)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
