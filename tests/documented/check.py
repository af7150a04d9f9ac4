#!/usr/bin/env python3
"""Checks tests/documented: every file whole, every step and reference known, every documented operation covered."""
import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent
README = (HERE / "README.md").read_text(encoding="utf-8")
FIELDS = ["section", "title", "repairs", "as", "given", "request", "response"]
CHAPTERS = {1: range(1, 7), 2: range(1, 26), 3: range(1, 9), 4: range(1, 6), 5: range(1, 2), 6: range(1, 6), 7: range(1, 7), 8: range(1, 3), 9: range(2, 9), 10: range(2, 12)}
SECTIONS = [f"{chapter}.{n}" for chapter, sections in CHAPTERS.items() for n in sections]
TYPES = {"android", "ios", "ipad", "iphone"}
POLICY_TYPES = {"oauth1", "oauth2", "ldap", "openid"}
# The sections whose error is printed as {"error": {"error": M}}, and as {"error": M}.
ERROR_IN_ERROR, ERROR_ALONE = {"9.2", "9.3", "9.4", "9.5"}, {"9.6", "9.7", "9.8"}
# What fhc sends otherwise than the document prints it.
FHC = {"3.1", "3.2", "3.3", "3.5", "4.1", "4.2", "4.3", "4.4", "5.1", "6.1", "6.3", "7.3", "7.6", "9.2", "9.3", "9.4", "9.5", "9.6", "9.7", "9.8", "10.2", "10.3", "10.6", "10.7", "10.8", "10.9"}
gaps = []


def gap(where, what):
    gaps.append(f"{where}: {what}")


def rows(text, within=None):
    """The rows of the Markdown tables whose first cell is code, as cells."""
    if within:
        text = text.split(f"<!-- {within} -->")[1].split(f"<!-- /{within} -->")[0]
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        name = re.fullmatch(r"`([^`]+)`", cells[0]) if cells else None
        if name:
            yield name.group(1), cells


def steps_of(readme):
    """The steps of a README with what each captures."""
    return {name: set(re.findall(r"`(\$[\w.]+)`", cells[-1])) for name, cells in rows(readme, "steps")}


def no_twins(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key stands twice among {keys}")
    return dict(pairs)


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from texts(one)


def arrays(value):
    if isinstance(value, list):
        yield value
        for one in value:
            yield from arrays(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from arrays(one)


# What a list of several begins with.
SEVERAL = {"<<exactly>>", "<<some>>"}
STEPS = steps_of(README)
NAMES = {name for name, _ in rows(README)}
MATCHERS = {name for name in NAMES if name.startswith("<<")}
CONTENTS = {name for name in NAMES if name.startswith("@")}
ALWAYS = {name for name in NAMES if name.startswith("$")}


def check_frame(where, case, steps):
    """What every file has, whatever its dialect."""
    if not all(isinstance(text, str) and text for text in [case["title"], *case["repairs"]]):
        gap(where, "title and repairs are texts")
    for step in case["given"]:
        if step not in steps:
            gap(where, f"unknown step {step}")


def check_request(where, request, bodies, contents, body_of_get=False, typed=False):
    """Whether a request has the fields that it must have. Parts of a form may say their type where `typed`."""
    if set(request) - {"method", "path", "headers", *bodies} or not {"method", "path", "headers", "body"} <= set(request):
        gap(where, f"fields of request: {sorted(request)}")
        return False
    held = [kind for kind in bodies if request.get(kind) is not None]
    if len(held) > 1:
        gap(where, "more than one body")
    if held and request["method"] == "GET" and not body_of_get:
        gap(where, "GET with a body")
    for part in request.get("multipart") or []:
        fields = set(part) - {"type"} if typed else set(part)
        if fields == {"name", "filename", "content"}:
            if part["content"] not in contents:
                gap(where, f"unknown content {part['content']}")
        elif fields != {"name", "value"}:
            gap(where, f"part {part}")
    for text in texts(request):
        if "<<" in text:
            gap(where, f"matcher in the request: {text}")
    return True


def check_response(where, response, fields, is_matcher):
    """Whether an answer asks for something that can be compared."""
    if set(response) - {"status", *fields} or not isinstance(response.get("status"), int):
        gap(where, f"fields of response: {sorted(response)}")
        return False
    if not set(fields) - {"contains"} & set(response):
        gap(where, "the response asks for nothing but a status")
    for text in texts(response):
        if "<<" in text and not is_matcher(text):
            gap(where, f"unknown matcher {text}")
    for one in [*arrays(response.get("body")), *arrays(response.get("signed"))]:
        if len(one) > 1 and one[0] not in SEVERAL:
            gap(where, "an array of the answer holds more than one element")
    return True


def check_references(where, parts, times, always):
    """Whether every reference is always there or captured by a step, so many times."""
    for text in texts(parts):
        for name in re.findall(r"\$[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*", text):
            nth = re.fullmatch(r"(\$\w+)\.(\d+)\.(\w+)", name)
            plain = f"{nth.group(1)}.{nth.group(3)}" if nth else name
            if plain not in always | set(times) or (nth and not 1 <= int(nth.group(2)) <= times[plain]):
                gap(where, f"{name} is captured by none of its steps")
        if re.search(r"\$[\w.]+_", text):
            gap(where, f"a reference holds no underscore: {text}")


def check(path, case):
    where = path.name
    for field in FIELDS:
        if field not in case:
            gap(where, f"no {field}")
            return
    section = case["section"].removeprefix("003 ")
    if case["section"] != f"003 {section}" or section not in SECTIONS:
        gap(where, f"unknown section {case['section']}")
    if not where.startswith(f"{section}-"):
        gap(where, "the file name does not begin with the section")
    if case["as"] not in ("admin", "store-user", "nobody"):
        gap(where, f"as {case['as']}")
    check_frame(where, case, STEPS)
    if case["as"] == "store-user" and "store-user" not in case["given"]:
        gap(where, "as store-user without the step")

    request, response = case["request"], case["response"]
    if not check_request(where, request, ("body", "multipart", "raw"), CONTENTS, body_of_get="-fhc" in where):
        return
    check_response(where, response, ("headers", "body", "contains"), MATCHERS.__contains__)
    for text in texts([request, response]):
        if re.search(r"(?<!<)<[\w ]+>(?!>)", text) or "..." in text:
            gap(where, f"left over from the document: {text}")
    check_references(where, [request, response], Counter(name for step in case["given"] for name in STEPS.get(step, ())), ALWAYS)
    if not isinstance(response.get("body"), dict) or response["status"] < 400:
        return
    body = response["body"]
    if section in ERROR_IN_ERROR | ERROR_ALONE:
        if not message_of(case) or set(body) != {"error"} or isinstance(body["error"], dict) != (section in ERROR_IN_ERROR):
            gap(where, "an error is not the one that this section prints")
    else:
        if body.get("status") != "error" or body.get("message") != body.get("msg") or not body.get("message"):
            gap(where, "an error is status, message and msg")
        if (response["status"] == 401) != ("address" in body):
            gap(where, "401, and only 401, carries address")


def message_of(case):
    """The message of an error, wherever its section prints it."""
    body = case["response"]["body"]
    message = body.get("error", body.get("message"))
    return message.get("error") if isinstance(message, dict) else message


def answered(case, key):
    """The values of that key in the answer, however deep."""
    found, left = [], [case["response"].get("body")]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            found += [value for name, value in one.items() if name == key]
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
    return found


def sent(case):
    """The fields of a request, wherever they stand."""
    request = case["request"]
    fields = {key: values[0] for key, values in parse_qs(urlsplit(request["path"]).query).items()}
    fields |= {part["name"]: part["value"] for part in request.get("multipart") or [] if "value" in part}
    return fields | (request["body"] or {})


def main():
    cases = {}
    for path in sorted((HERE / "rhmap").glob("*.json")):
        if path.name.split("-")[0] not in SECTIONS:
            continue  # other chapters have their own check
        try:
            cases[path.name] = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_twins)
        except ValueError as error:
            gap(path.name, error)
            continue
        check(path, cases[path.name])

    per = Counter()
    good = {section: [] for section in SECTIONS}
    bad = {section: [] for section in SECTIONS}
    for case in cases.values():
        section = case.get("section", "").removeprefix("003 ")
        if section in good and not set(FIELDS) - set(case):
            per[section] += 1
            (good if case["response"].get("status", 500) < 400 else bad)[section].append(case)
    for section in SECTIONS:
        if not good[section]:
            gap(section, "no case of success")
        if not bad[section]:
            gap(section, "no case of the documented error")

    rows = 0
    for line in (HERE / "operations.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        dialect, number, operation, methods, path = line.split("\t")
        rows += 1
        section = number.removeprefix("003 ")
        if dialect != "rhmap" or section not in SECTIONS:
            continue
        path = path.replace("<domain>", "$domain").replace("<teamId>", "$team.id").replace("<userId>", "$user.guid")
        for method in methods.split("|"):
            if not any(case["request"]["method"] == method and urlsplit(case["request"]["path"]).path == path for case in good[section]):
                gap(section, f"{operation}: no case of {method} {path}")
    if rows != 97:
        gap("operations.tsv", f"{rows} operations, not 97")

    def all_of(section, key, wanted, where=lambda case: True):
        missing = {json.dumps(one) for one in wanted} - {json.dumps(sent(case).get(key)) for case in good[section] if where(case)}
        if missing:
            gap(section, f"{key}: no case of {sorted(missing)}")

    all_of("2.15", "type", TYPES | {"icon"})
    all_of("2.19", "type", TYPES)
    for section, key in (("2.18", "type"), ("2.25", "type"), ("2.22", "storeItemBinaryType")):
        for method in ("POST", "GET"):
            all_of(section, key, TYPES, lambda case: case["request"]["method"] == method)
    for method in ("POST", "GET"):
        all_of("2.22", "limit", {"10", "100", "1000"}, lambda case: case["request"]["method"] == method)
    for section in ("1.1", "1.2", "1.6"):
        all_of(section, "type", {"user", "app"})
    all_of("2.12", "restrictToGroups", {True, False})
    for section in ("3.1", "3.3"):
        all_of(section, "policyType", POLICY_TYPES)
        for exists in (True, False):
            all_of(section, "checkUserApproved", {True, False}, lambda case: sent(case).get("checkUserExists") == exists)
    all_of("6.3", "disabled", {True, False}, lambda case: sent(case).get("blacklisted") is True)
    all_of("6.3", "disabled", {True, False}, lambda case: sent(case).get("blacklisted") is False)
    for section, key in (("10.2", "invite"), ("10.3", "enabled"), ("10.3", "blacklisted"), ("10.7", "enabled")):
        all_of(section, key, {True, False})

    def all_in_answers(section, key, wanted, where=lambda case: True):
        found = {json.dumps(value) for case in good[section] if where(case) for value in answered(case, key)}
        missing = {json.dumps(one) for one in wanted} - found
        if missing:
            gap(section, f"{key}: no answer of {sorted(missing)}")

    for key, wanted in (("policyType", POLICY_TYPES), ("checkUserExists", {True, False}), ("checkUserApproved", {True, False})):
        all_in_answers("3.2", key, wanted)
        for method in ("POST", "GET"):
            all_in_answers("3.5", key, wanted, lambda case: case["request"]["method"] == method)
    for section in ("6.1", "6.2", "6.3", "10.10"):
        for key in ("disabled", "blacklisted"):
            all_in_answers(section, key, {True, False})
    all_in_answers("9.4", "defaultTeam", {True, False})
    for section in FHC:
        if not any(name.startswith(f"{section}-") and "-fhc" in name for name in cases):
            gap(section, "no case as fhc sends it")
    for place in ("mam", "mas"):
        if not any(f"/{place}/" in case["request"]["path"] for case in good["2.24"]):
            gap("2.24", f"no case of {place}")
    messages = [("2.19", "invalid_type"), ("2.19", "invalid_guid"), ("2.22", "invalid_type"), ("2.25", "invalid_type"), ("2.25", "invalid_guid")]
    messages += [("3.2", "invalid_policyId")] + [(f"3.{n}", "invalid_guid") for n in (3, 4, 6, 7, 8)] + [("3.7", "User not found")]
    messages += [(f"7.{n}", "invalid_guid") for n in range(1, 7)] + [(f"7.{n}", "invalid_environment") for n in range(1, 7)]
    messages += [(f"6.{n}", "invalid_cuid") for n in (2, 3, 4, 5)] + [(f"10.{n}", "User not found") for n in (3, 4, 5, 7, 8, 9, 10, 11)]
    for section, message in messages:
        if not any(message_of(case) == message for case in bad[section]):
            gap(section, f"no case of {message}")
    statuses = [("3.1", 409), ("3.3", 409), ("9.3", 404), ("9.4", 404), ("9.5", 403), ("9.6", 403), ("9.6", 404), ("9.7", 404), ("9.8", 404), ("10.2", 409), ("10.4", 409)]
    for section, status in statuses:
        if not any(case["response"]["status"] == status for case in bad[section]):
            gap(section, f"no case of status {status}")
    if not any("default-team" in case["given"] and case["response"]["status"] == 403 for case in bad["9.6"]):
        gap("9.6", "no case of a default team")
    unused = set(STEPS) - {step for case in cases.values() for step in case.get("given", [])}
    if unused:
        gap("README.md", f"steps that nothing uses: {sorted(unused)}")

    print(" ".join(f"{section}:{per[section]}" for section in SECTIONS))
    print(f"{len(cases)} files, {len(SECTIONS)} sections, {len(STEPS)} steps, {len(gaps)} gaps")
    for one in gaps:
        print("gap:", one)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
