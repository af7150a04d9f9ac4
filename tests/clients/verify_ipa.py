#!/usr/bin/env python3
"""Checks the code signatures of an IPA with nothing but Python and openssl, sharing no code with what signed it.

    verify_ipa.py SIGNED.ipa --authority CA.pem --fingerprint SHA256 --team TEAM [--unsigned BEFORE.ipa]

For every executable file in the app: LC_CODE_SIGNATURE, the SuperBlob, the code directory's hash of every page and of the
Info.plist, the requirements, the CodeResources and both forms of the entitlements, and the CMS signature over the code
directory: made by the certificate of that fingerprint, which the authority certified. For every bundle: that CodeResources has the
right hash of every file, and that no file is missing in it. With --unsigned: that everything else is as it was. Exits with 1 if
anything is wrong.
"""
import argparse
import hashlib
import os
import plistlib
import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile

FAT, THIN = 0xCAFEBABE, 0xFEEDFACF
SUPERBLOB, DIRECTORY, REQUIREMENTS, ENTITLEMENTS, ENTITLEMENTS_DER, WRAPPER = 0xFADE0CC0, 0xFADE0C02, 0xFADE0C01, 0xFADE7171, 0xFADE7172, 0xFADE0B01
SLOT_INFO, SLOT_REQUIREMENTS, SLOT_RESOURCES, SLOT_ENTITLEMENTS, SLOT_ENTITLEMENTS_DER, SLOT_CMS = 1, 2, 3, 5, 7, 0x10000
ADHOC = 2

checks = 0


def check(right, *what):
    global checks
    checks += 1
    if not right:
        sys.exit("WRONG: " + " ".join(str(part) for part in what))


def sha256(data):
    return hashlib.sha256(data).digest()


def is_executable(data):
    return data[:4] in (struct.pack(">I", FAT), struct.pack("<I", THIN))


def programs(data):
    """The programs in a file, one for each kind of processor."""
    if data[:4] != struct.pack(">I", FAT):
        return [data]
    count = struct.unpack_from(">I", data, 4)[0]
    records = [struct.unpack_from(">5I", data, 8 + 20 * number) for number in range(count)]
    for _, _, start, _, align in records:
        check(start % (1 << align) == 0, "a program in a universal file is not aligned")
    return [data[start : start + size] for _, _, start, size, _ in records]


def commands(program):
    """The load commands: kind and bytes."""
    check(program[:4] == struct.pack("<I", THIN), "no Mach-O of 64 bits")
    count, size = struct.unpack_from("<2I", program, 16)
    at = 32
    found = []
    for _ in range(count):
        kind, length = struct.unpack_from("<2I", program, at)
        found.append((kind, program[at : at + length]))
        at += length
    check(at == 32 + size, "the load commands have another size than the header says")
    return found


def der_value(data, at=0):
    """One element of a distinguished encoding: tag, content, where the next begins."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, at = int.from_bytes(data[at : at + digits], "big"), at + digits
    return tag, data[at : at + length], at + length


def der_elements(data):
    at, found = 0, []
    while at < len(data):
        tag, content, at = der_value(data, at)
        found.append((tag, content))
    return found


def der_plist(tag, content):
    """Entitlements in Apple's distinguished form."""
    if tag == 0x01:
        return content != b"\0"
    if tag == 0x02:
        return int.from_bytes(content, "big", signed=True)
    if tag == 0x0C:
        return content.decode()
    if tag == 0x30:
        return [der_plist(*element) for element in der_elements(content)]
    if tag in (0xB0, 0x31):
        pairs = [der_elements(pair) for _, pair in der_elements(content)]
        return {key[1].decode(): der_plist(*value) for key, value in pairs}
    sys.exit(f"WRONG: an unknown tag {tag:#x} in the entitlements")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False)


def check_cms(name, cms, directory, directories, options):
    """The signature over the code directory, by openssl; then who made it, and the hashes that it lists."""
    with tempfile.TemporaryDirectory() as folder:
        path = lambda file: os.path.join(folder, file)
        for file, content in (("cms", cms), ("directory", directory)):
            with open(path(file), "wb") as out:
                out.write(content)
        result = openssl(
            "cms", "-verify", "-binary", "-inform", "DER", "-in", path("cms"), "-content", path("directory"),
            "-CAfile", options.authority, "-purpose", "any", "-no_check_time", "-signer", path("signer"), "-out", os.devnull,
        )
        check(result.returncode == 0, name, "the signature does not verify:", result.stderr.decode())
        der = openssl("x509", "-in", path("signer"), "-outform", "DER").stdout
        check(sha256(der).hex() == options.fingerprint, name, "is signed by another certificate")
        # The same signature must not fit other bytes.
        with open(path("directory"), "r+b") as out:
            out.seek(len(directory) - 1)
            out.write(bytes([directory[-1] ^ 1]))
        result = openssl(
            "cms", "-verify", "-binary", "-inform", "DER", "-in", path("cms"), "-content", path("directory"),
            "-CAfile", options.authority, "-purpose", "any", "-no_check_time", "-out", os.devnull,
        )
        check(result.returncode != 0, name, "the signature verifies for anything")
    # The signed attributes list the hashes of all code directories, as a property list of their first 20 bytes.
    start = cms.find(b"<?xml")
    check(start > 0, name, "the signature lists no hashes")
    listed = plistlib.loads(cms[start : cms.index(b"</plist>", start) + 8])["cdhashes"]
    check(listed == [hash_of(blob)[:20] for blob in directories], name, "the signature lists other hashes")


def hash_of(directory):
    kind = directory[37]
    check(kind in (1, 2), "an unknown kind of hash")
    return hashlib.sha1(directory).digest() if kind == 1 else sha256(directory)


def check_directory(name, program, start, blob, blobs, files):
    """One code directory: who it says it is, and all of its hashes."""
    version, flags, hashes, ident, specials, pages, limit = struct.unpack_from(">7I", blob, 8)
    size, kind, platform, page_shift = struct.unpack_from("4B", blob, 36)
    algorithm = {1: hashlib.sha1, 2: hashlib.sha256}[kind]
    check(size == algorithm().digest_size, name, "hashes have a wrong size")
    check(not flags & ADHOC, name, "says that nobody signed it")
    check(limit == start, name, "not everything before the signature is covered:", limit, start)
    page = 1 << page_shift
    check(pages == -(-limit // page), name, "has a wrong number of pages")
    for number in range(pages):
        expected = algorithm(program[number * page : min((number + 1) * page, limit)]).digest()
        at = hashes + number * size
        check(blob[at : at + size] == expected, name, "page", number, "has another hash")
    special = {}
    for number in range(1, specials + 1):
        at = hashes - number * size
        special[number] = blob[at : at + size]
    empty = bytes(size)
    for slot, content in files.items():
        check(special.get(slot, empty) == (algorithm(content).digest() if content is not None else empty), name, "special slot", slot)
    for slot in (SLOT_REQUIREMENTS, SLOT_ENTITLEMENTS, SLOT_ENTITLEMENTS_DER):
        expected = algorithm(blobs[slot]).digest() if slot in blobs else empty
        check(special.get(slot, empty) == expected, name, "special slot", slot)
    text = lambda at: blob[at : blob.index(b"\0", at)].decode()
    team = text(struct.unpack_from(">I", blob, 48)[0]) if version >= 0x20200 and struct.unpack_from(">I", blob, 48)[0] else None
    return text(ident), team


def check_program(name, program, identifier, files, options):
    """One program of a file: gives its entitlements."""
    signatures = [struct.unpack_from("<2I", body, 8) for kind, body in commands(program) if kind == 0x1D]
    check(len(signatures) == 1, name, "has not exactly one LC_CODE_SIGNATURE")
    start, length = signatures[0]
    check(start % 16 == 0 and start + length == len(program), name, "the signature is not at the end")
    linkedit = [struct.unpack_from("<4Q", body, 24) for kind, body in commands(program) if kind == 0x19 and body[8:24].rstrip(b"\0") == b"__LINKEDIT"]
    check(len(linkedit) == 1, name, "has no __LINKEDIT")
    address, memory, offset, size = linkedit[0]
    check(offset + size == start + length and memory >= size, name, "__LINKEDIT does not end with the signature")
    data = program[start : start + length]
    magic, total, count = struct.unpack_from(">3I", data)
    check(magic == SUPERBLOB and total <= length, name, "has no SuperBlob")
    blobs = {}
    for number in range(count):
        slot, at = struct.unpack_from(">2I", data, 12 + 8 * number)
        size = struct.unpack_from(">I", data, at + 4)[0]
        check(at + size <= total, name, "a part of the signature is too long")
        blobs[slot] = data[at : at + size]
    directories = [blobs[slot] for slot in sorted(blobs) if slot == 0 or 0x1000 <= slot < 0x1010]
    check(directories and all(struct.unpack(">I", blob[:4])[0] == DIRECTORY for blob in directories), name, "has no code directory")
    check(any(blob[37] == 2 for blob in directories), name, "has no code directory with SHA-256")
    for blob in directories:
        told, team = check_directory(name, program, start, blob, blobs, files)
        check(team == options.team, name, "is of the team", team)
        check(identifier is None or told == identifier, name, "says that it is", told)
    check(struct.unpack(">I", blobs[SLOT_REQUIREMENTS][:4])[0] == REQUIREMENTS, name, "has no requirements")
    check(struct.unpack(">I", blobs[SLOT_CMS][:4])[0] == WRAPPER, name, "has no CMS signature")
    check_cms(name, blobs[SLOT_CMS][8:], directories[0], directories, options)
    if SLOT_ENTITLEMENTS not in blobs:
        return None
    check(struct.unpack(">I", blobs[SLOT_ENTITLEMENTS][:4])[0] == ENTITLEMENTS, name, "has a wrong blob of entitlements")
    entitlements = plistlib.loads(blobs[SLOT_ENTITLEMENTS][8:])
    if SLOT_ENTITLEMENTS_DER in blobs:
        check(struct.unpack(">I", blobs[SLOT_ENTITLEMENTS_DER][:4])[0] == ENTITLEMENTS_DER, name, "has a wrong blob of entitlements")
        tag, content, _ = der_value(blobs[SLOT_ENTITLEMENTS_DER][8:])
        check(tag == 0x70, name, "the entitlements in DER begin wrong")
        (version, inner) = der_elements(content)
        check(version == (0x02, b"\1") and der_plist(*inner) == entitlements, name, "both forms of the entitlements differ")
    return entitlements


def rule_of(rules, path):
    """The rule with the most weight that fits a path."""
    found, weight = None, -1
    for pattern, rule in rules.items():
        rule = {} if rule is True else rule
        if re.search(pattern, path) and rule.get("weight", 1) > weight:
            found, weight = rule, rule.get("weight", 1)
    return found


def check_resources(bundle, inside, links, executable):
    """CodeResources against the files of a bundle."""
    resources = plistlib.loads(inside["_CodeSignature/CodeResources"])
    files, rules = resources["files2"], resources["rules2"]
    expected = set()
    for path, content in inside.items():
        if path == executable or path.startswith("_CodeSignature/"):
            continue
        rule = rule_of(rules, path)
        check(rule is not None, bundle, path, "fits no rule")
        if rule.get("omit"):
            continue
        expected.add(path)
        check(path in files, bundle, path, "is not sealed")
        if path in links:
            check(files[path] == {"symlink": content.decode()}, bundle, path, "is a link to somewhere else")
            continue
        check(files[path]["hash2"] == sha256(content), bundle, path, "has another hash")
        if "hash" in files[path]:
            check(files[path]["hash"] == hashlib.sha1(content).digest(), bundle, path, "has another SHA-1")
        check(bool(files[path].get("optional")) == bool(rule.get("optional")), bundle, path, "is optional, or not")
    check(set(files) == expected, bundle, "seals what is not there:", set(files) - expected)
    for path, value in resources["files"].items():
        value = value["hash"] if isinstance(value, dict) else value
        check(value == hashlib.sha1(inside[path]).digest(), bundle, path, "has another hash for old systems")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ipa")
    parser.add_argument("--authority", required=True)
    parser.add_argument("--fingerprint", required=True)
    parser.add_argument("--team", required=True)
    parser.add_argument("--unsigned")
    options = parser.parse_args()
    archive = zipfile.ZipFile(options.ipa)
    check(archive.testzip() is None, "the archive is damaged")
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    app = next(entry.filename for entry in entries if re.fullmatch(r"Payload/[^/]+\.app/Info\.plist", entry.filename))[: -len("Info.plist")]
    files = {entry.filename[len(app) :]: archive.read(entry) for entry in entries if entry.filename.startswith(app)}
    links = {entry.filename[len(app) :] for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)}
    profile = files["embedded.mobileprovision"]
    start = profile.index(b"<?xml")
    allowed = plistlib.loads(profile[start : profile.index(b"</plist>") + 8])["Entitlements"]

    bundles = {""} | {path[: -len("Info.plist")] for path in files if path.endswith("/Info.plist")}
    programs_checked = 0
    mains = {}
    for bundle in sorted(bundles):
        info = plistlib.loads(files[bundle + "Info.plist"])
        mains[bundle + info.get("CFBundleExecutable", "")] = (bundle, info)
    for path, content in sorted(files.items()):
        if not is_executable(content):
            continue
        bundle, info = mains.get(path, (None, None))
        slots = {SLOT_INFO: None, SLOT_RESOURCES: None}
        identifier = None
        if bundle is not None:
            slots = {SLOT_INFO: files[bundle + "Info.plist"], SLOT_RESOURCES: files[bundle + "_CodeSignature/CodeResources"]}
            identifier = info["CFBundleIdentifier"]
        for program in programs(content):
            entitlements = check_program(path, program, identifier, slots, options)
            programs_checked += 1
            if bundle == "" or (bundle or "").endswith((".appex/", ".app/")):
                expected = dict(allowed)
                team, pattern = allowed["application-identifier"].split(".", 1)
                expected["application-identifier"] = f"{team}.{identifier}"
                expected["keychain-access-groups"] = [
                    f"{team}.{identifier}" if group == allowed["application-identifier"] else group for group in allowed["keychain-access-groups"]
                ]
                check(entitlements == expected, path, "has the entitlements", entitlements)
                check(files[bundle + "embedded.mobileprovision"] == profile, path, "has another profile")
            else:
                check(entitlements is None, path, "has entitlements")
    for path, (bundle, _) in mains.items():
        inside = {name[len(bundle) :]: content for name, content in files.items() if name.startswith(bundle)}
        check_resources(bundle or "the app", inside, {name[len(bundle) :] for name in links}, path[len(bundle) :])
    check(programs_checked >= 1 and is_executable(files[next(path for path, (bundle, _) in mains.items() if bundle == "")]), "there is no program")

    if options.unsigned:
        before = zipfile.ZipFile(options.unsigned)
        old = before.infolist()
        names = [entry.filename for entry in archive.infolist()]
        check(names[: len(old)] == [entry.filename for entry in old], "the entries have another order")
        written = re.compile(r"(^|/)(_CodeSignature/CodeResources|embedded\.mobileprovision)$")
        for entry in old:
            now = archive.getinfo(entry.filename)
            check(now.external_attr == entry.external_attr and now.create_system == entry.create_system, entry.filename, "has other attributes")
            content = before.read(entry)
            if not written.search(entry.filename) and not is_executable(content):
                check((now.CRC, now.compress_type, now.compress_size, archive.read(now)) == (entry.CRC, entry.compress_type, entry.compress_size, content), entry.filename, "has changed")
        check(all(written.search(name) for name in names[len(old) :]), "something strange was added:", names[len(old) :])
    print(f"{os.path.basename(options.ipa)}: {programs_checked} programs in {len(mains)} bundles, {checks} checks")


main()
