#!/usr/bin/env python3
"""Checks tests/documented/pingid: every file whole, every step, matcher and reference known, every operation and form covered."""
import json
import re
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True  # check.py stands beside this

from check import CONTENTS, MATCHERS, SEVERAL, check_frame, check_references, check_request, check_response, gap, gaps, no_twins, rows, steps_of, texts

HERE = Path(__file__).resolve().parent
README = (HERE / "README-pingid.md").read_text(encoding="utf-8")
FIELDS = ["section", "title", "repairs", "as", "given", "request", "response"]
STEPS = steps_of(README)
NAMES = {name for name, _ in rows(README)}
MATCHERS = MATCHERS | {name for name in NAMES if name.startswith("<<")} | SEVERAL | {"<<text>>"}
ALWAYS = {name for name in NAMES if name.startswith("$")}
# The forms that vendors' and others' own clients send: what the JWS header calls the alias, and the time in reqHeader.
ALIASES = {("org_alias",), ("orgAlias",), ("orgAlias", "org_alias")}
TIMES = [r"\$ping\.now", r"[\d-]+ [\d:]+\.\d{3}", r"[\d-]+ [\d:]+Z", r"/Date\(\d+\)/", r"[\d-]+T[\d:.]+Z"]


def is_matcher(text):
    return text in MATCHERS or re.fullmatch(r"<<begins:[^<>]+>>", text)


def check_exchange(where, request, response, path):
    if not check_request(where, request, ("body", "raw", "message"), CONTENTS):
        return
    check_response(where, response, ("headers", "body", "signed", "contains"), is_matcher)
    if request["method"] != "POST" or request["path"] != path:
        gap(where, f"{request['method']} {request['path']} is not POST {path}")
    message = request.get("message")
    if ("raw" in request) == (message is not None) or ("raw" in request) != ("Content-Type" in request["headers"]):
        gap(where, "either a message or raw with its Content-Type")
    if message and (set(message) - {"key"} != {"header", "payload"} or not all(isinstance(message[part], dict) for part in ("header", "payload"))):
        gap(where, f"fields of the message: {sorted(message)}")
    if {"body", "signed"} <= set(response):
        gap(where, "an answer is signed or not")
    told = response.get("signed") or response.get("body")
    if not told:
        return
    if set(told) != {"responseBody"}:
        gap(where, "an answer is responseBody")
        return
    body = told["responseBody"]
    if (body["errorId"], response["status"]) not in {(200, 200), (400, 400), (403, 403)}:
        gap(where, f"errorId {body['errorId']} with {response['status']}")
    for text in texts(response):
        if re.search(r"\.\.\.|…", text):
            gap(where, f"left over from the document: {text}")


def main():
    operations = {}
    for line in (HERE / "operations.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("pingid\t"):
            _, section, name, _, path = line.split("\t")
            operations[section] = (name, path)
    cases = {}
    for path in sorted((HERE / "pingid").glob("*.json")):
        where = path.name
        try:
            case = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_twins)
        except ValueError as error:
            gap(where, error)
            continue
        if not set(FIELDS) <= set(case) <= {*FIELDS, "then"} or case["section"] not in operations or case["as"] != "nobody":
            gap(where, f"fields {sorted(case)}, section {case.get('section')}, as {case.get('as')}")
            continue
        if not where.startswith(f"{case['section'].removeprefix('002 ')}-"):
            gap(where, "the file name does not begin with the section")
        check_frame(where, case, STEPS)
        times = Counter(name for step in case["given"] for name in STEPS.get(step, ()))
        # The settings are there before any step.
        times.update(name for name in ALWAYS if name.startswith("$ping."))
        check_exchange(where, case["request"], case["response"], operations[case["section"]][1])
        check_references(where, [case["request"], case["response"]], times, ALWAYS)
        for number, one in enumerate(case.get("then", []), 1):
            if set(one) != {"request", "response"}:
                gap(f"{where} then {number}", f"fields {sorted(one)}")
                continue
            paths = [path for _, path in operations.values() if path == one["request"].get("path")]
            check_exchange(f"{where} then {number}", one["request"], one["response"], paths[0] if paths else "an operation")
            check_references(f"{where} then {number}", [one["request"], one["response"]], times, ALWAYS)
        cases[where] = case

    per = Counter(case["section"] for case in cases.values())
    for section, (name, _) in operations.items():
        for status in (200, 400, 403):
            if not any(case["section"] == section and case["response"]["status"] == status for case in cases.values()):
                gap(section, f"{name}: no case of {status}")
        if f"{section[-1]}-{name.lower()}.json" not in cases:
            gap(section, f"{name}: no case as it is printed")
    good = [case["request"]["message"] for case in cases.values() if case["response"]["status"] == 200]
    for alias in ALIASES:
        if not any(alias == tuple(sorted((name for name in one["header"] if name.lower().replace("_", "") == "orgalias"))) for one in good):
            gap("pingid", f"no message with {alias} in its header")
    stamps = [one["payload"]["reqHeader"].get("timestamp") for one in good]
    for shape in TIMES:
        if not any(stamp and re.fullmatch(shape, stamp) for stamp in stamps):
            gap("pingid", f"no message with a time as {shape}")
    if None not in stamps:
        gap("pingid", "no message without a time")
    if not any("body" in case["response"] for case in cases.values()):
        gap("pingid", "no answer without a signature")
    used = {step for case in cases.values() for step in case["given"]}
    for step in sorted(set(STEPS) - used):
        gap("README-pingid.md", f"step {step} is used by no file")

    print(" ".join(f"{section}:{per[section]}" for section in operations))
    print(f"{len(cases)} files, {len(operations)} operations, {len(STEPS)} steps, {len(gaps)} gaps")
    for one in gaps:
        print("gap:", one)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
