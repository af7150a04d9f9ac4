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
SECTIONS = [f"1.{n}" for n in range(1, 7)] + [f"2.{n}" for n in range(1, 26)]
ALWAYS = {"$domain", "$store.guid", "$unknown.guid"}
TYPES = {"android", "ios", "ipad", "iphone"}
gaps = []


def gap(where, what):
    gaps.append(f"{where}: {what}")


def steps_of_readme():
    block = README.split("<!-- steps -->")[1].split("<!-- /steps -->")[0]
    steps = {}
    for line in block.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.fullmatch(r"`([a-z0-9-]+)`", cells[0])
        if name:
            steps[name.group(1)] = set(re.findall(r"`(\$[\w.]+)`", cells[-1]))
    return steps


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
        for one in value.values():
            yield from texts(one)


def arrays(value):
    if isinstance(value, list):
        yield value
        for one in value:
            yield from arrays(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from arrays(one)


STEPS = steps_of_readme()
MATCHERS = set(re.findall(r"^\| `(<<[^`]+>>)`", README, re.M))
CONTENTS = set(re.findall(r"^\| `(@\w+)`", README, re.M))


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
    if not all(isinstance(text, str) and text for text in [case["title"], *case["repairs"]]):
        gap(where, "title and repairs are texts")
    for step in case["given"]:
        if step not in STEPS:
            gap(where, f"unknown step {step}")
    if case["as"] == "store-user" and "store-user" not in case["given"]:
        gap(where, "as store-user without the step")

    request, response = case["request"], case["response"]
    if set(request) - {"method", "path", "headers", "body", "multipart", "raw"} or not {"method", "path", "headers", "body"} <= set(request):
        gap(where, f"fields of request: {sorted(request)}")
        return
    if sum(request.get(kind) is not None for kind in ("body", "multipart", "raw")) > 1:
        gap(where, "more than one body")
    if request["method"] == "GET" and any(request.get(kind) is not None for kind in ("body", "multipart", "raw")):
        gap(where, "GET with a body")
    for part in request.get("multipart") or []:
        if set(part) == {"name", "filename", "content"}:
            if part["content"] not in CONTENTS:
                gap(where, f"unknown content {part['content']}")
        elif set(part) != {"name", "value"}:
            gap(where, f"part {part}")
    if set(response) - {"status", "headers", "body", "contains"} or not isinstance(response.get("status"), int):
        gap(where, f"fields of response: {sorted(response)}")
    if not {"body", "headers"} & set(response):
        gap(where, "the response asks for nothing but a status")

    for text in texts([request, response]):
        if "<<" in text and text not in MATCHERS:
            gap(where, f"unknown matcher {text}")
        if re.search(r"(?<!<)<[\w ]+>(?!>)", text) or "..." in text:
            gap(where, f"left over from the document: {text}")
    for text in texts(request):
        if "<<" in text:
            gap(where, f"matcher in the request: {text}")
    for one in arrays(response.get("body")):
        if len(one) > 1:
            gap(where, "an array of the answer holds more than one element")
    times = Counter(name for step in case["given"] for name in STEPS.get(step, ()))
    known = ALWAYS | set(times)
    for text in texts([request, response]):
        for name in re.findall(r"\$[A-Za-z]\w*(?:\.\w+)*", text):
            nth = re.fullmatch(r"(\$\w+)\.(\d+)\.(\w+)", name)
            plain = f"{nth.group(1)}.{nth.group(3)}" if nth else name
            if plain not in known or (nth and int(nth.group(2)) > times[plain]):
                gap(where, f"{name} is captured by none of its steps")
    if isinstance(response.get("body"), dict) and response["status"] >= 400:
        body = response["body"]
        if body.get("status") != "error" or body.get("message") != body.get("msg") or not body.get("message"):
            gap(where, "an error is status, message and msg")
        if (response["status"] == 401) != ("address" in body):
            gap(where, "401, and only 401, carries address")


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
        path = path.replace("<domain>", "$domain")
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
    for place in ("mam", "mas"):
        if not any(f"/{place}/" in case["request"]["path"] for case in good["2.24"]):
            gap("2.24", f"no case of {place}")
    for section, message in (("2.19", "invalid_type"), ("2.19", "invalid_guid"), ("2.22", "invalid_type"), ("2.25", "invalid_type"), ("2.25", "invalid_guid")):
        if not any(case["response"]["body"]["message"] == message for case in bad[section]):
            gap(section, f"no case of {message}")
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
