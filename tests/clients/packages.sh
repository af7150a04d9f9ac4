#!/usr/bin/env bash
# Has what package-writer writes judged by others: Android's own apksigner and Python's zip reader on real APKs, and a checker of code
# signatures in Python with openssl on an IPA. Exits with 1 if they object.
#
# Needs bash, cargo, npm, python3, openssl and the Debian package apksigner (installed with apt-get if it is missing and this runs as
# root; without it that part is skipped with a line that begins with SKIPPED). The APKs come from the npm registry, in fixed versions,
# into target/clients.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/clients
keys=$PWD/shared/package-writer/tests/fixtures
target=${CARGO_TARGET_DIR:-target}

fail() {
    echo "$*" >&2
    exit 1
}

mkdir -p "$target/clients"
clients=$(cd "$target/clients" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --quiet --locked -p package-writer --example write-package
writer=$(cd "$target" && pwd)/debug/examples/write-package

# Only the files of these packages are wanted: no scripts, no dependencies.
unpack() {
    local folder=$clients/packages/${1//\//_} archive
    if [ ! -e "$folder/done" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        archive=$(cd "$folder" && npm pack --silent "$1")
        tar xzf "$folder/$archive" -C "$folder"
        touch "$folder/done"
    fi
    echo "$folder/package"
}

if ! command -v apksigner >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq apksigner >/dev/null
fi

echo '{"policy":"for the packages of this test"}' >"$work/policy.json"

# identical BEFORE AFTER: everything but signatures and our document is there, in the same order, with the same content; the document
# is there; what is stored is aligned.
cat >"$work/identical.py" <<'PY'
import re, struct, sys, zipfile
before, after = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2])
signature = re.compile(r"META-INF/(MANIFEST\.MF|SIG-[^/]*|[^/]*\.(SF|RSA|DSA|EC))$", re.I)
ours = "assets/appdepot/policy.json"
def packed(archive, entry):
    archive.fp.seek(entry.header_offset)
    header = archive.fp.read(30)
    name, extra = struct.unpack("<2H", header[26:30])
    start = entry.header_offset + 30 + name + extra
    archive.fp.seek(start)
    return start, archive.fp.read(entry.compress_size)
def wanted(archive):
    return [entry for entry in archive.infolist() if not signature.match(entry.filename) and entry.filename != ours]
old, new = wanted(before), wanted(after)
assert [entry.filename for entry in old] == [entry.filename for entry in new], "another order"
for a, b in zip(old, new):
    assert (a.CRC, a.compress_type, a.file_size) == (b.CRC, b.compress_type, b.file_size), a.filename
    assert packed(before, a)[1] == packed(after, b)[1], a.filename
for entry in after.infolist():
    if entry.compress_type == 0 and not entry.is_dir():
        step = 16384 if re.match(r"lib/.*\.so$", entry.filename) else 4
        assert packed(after, entry)[0] % step == 0, entry.filename
assert after.read(ours) == open(sys.argv[3], "rb").read()
assert after.testzip() is None
PY

# judge APK KEYS: puts a document into it, signs it, and asks.
judge() {
    local name min fingerprint said
    name="$(basename "$1") with $2"
    "$writer" insert android "$1" "$work/changed.apk" "$work/policy.json"
    ! apksigner verify "$work/changed.apk" >/dev/null 2>&1 || fail "$name: verifies although it is not signed any more"
    if ! fingerprint=$("$writer" sign-android "$work/changed.apk" "$work/signed.apk" "$keys/$2.p12" secret 2>"$work/error"); then
        grep -q '^unsupported_key: .*before 4.3' "$work/error" || fail "$name: $(cat "$work/error")"
        echo "refused, as it must be: $name"
        return
    fi
    said=$(apksigner verify --verbose --print-certs "$work/signed.apk" 2>&1) || fail "$name: $said"
    min=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["minOs"])' <<<"$("$reader" "$1" 2>/dev/null)")
    for line in "^Verifies$" "(APK Signature Scheme v2): true$" "(APK Signature Scheme v3): true$" "certificate SHA-256 digest: ${fingerprint%% *}$"; do
        grep -q "$line" <<<"$said" || fail "$name: apksigner does not say $line: $said"
    done
    if [ "$min" -lt 24 ]; then
        grep -q "(JAR signing): true$" <<<"$said" || fail "$name: is for Android $min and has no signature of scheme 1: $said"
    fi
    python3 "$work/identical.py" "$1" "$work/signed.apk" "$work/policy.json" || fail "$name: is not as it was"
    echo "verified: $name (minSdkVersion $min)"
    judged=$((judged + 1))
}

if command -v apksigner >/dev/null; then
    cargo build --quiet --locked -p package-reader --example read-package
    reader=$(cd "$target" && pwd)/debug/examples/read-package
    judged=0
    for apk in "$(unpack @devicefarmer/stf@3.7.9)/vendor/STFService/STFService.apk" "$(unpack android-apidemos@5.0.0)/apks/ApiDemos-debug.apk" \
        "$(unpack appium-uiautomator2-server@10.6.6)"/apks/*.apk; do
        for key in rsa-legacy ec; do
            judge "$apk" "$key"
        done
    done
    [ "$judged" -ge 6 ] || fail "only $judged APKs were signed"
else
    echo "SKIPPED: the judgement of apksigner: it is not installed, and this is not root on a Debian system"
fi

mkdir "$work/ipa"
APPDEPOT_KEEP_SIGNED=$work/ipa cargo test --quiet --locked -p package-writer --test writing ios::an_app_is_signed >"$work/log" 2>&1 || fail "$(cat "$work/log")"
fingerprint=$(openssl pkcs12 -in "$keys/ios.p12" -passin pass:secret -nokeys -clcerts 2>/dev/null | openssl x509 -outform DER | sha256sum | cut -d ' ' -f 1)
verify=(python3 "$here/verify_ipa.py" --authority "$keys/ios-authority.pem" --fingerprint "$fingerprint" --team A1B2C3D4E5)
for ipa in signed again; do
    "${verify[@]}" "$work/ipa/$ipa.ipa" --unsigned "$work/ipa/unsigned.ipa"
done

# Executable files that Apple's and Go's linkers made, in an app that this makes of them, with a profile that openssl signs.
cat >"$work/app.py" <<'PY'
import datetime, plistlib, sys, zipfile
ipa, profile, certificate, program, library = sys.argv[1:]
def info(identifier, executable, kind):
    return plistlib.dumps({"CFBundleIdentifier": identifier, "CFBundleExecutable": executable, "CFBundlePackageType": kind, "CFBundleVersion": "1", "MinimumOSVersion": "15.0"}, fmt=plistlib.FMT_BINARY)
with zipfile.ZipFile(ipa, "w", zipfile.ZIP_DEFLATED) as app:
    app.writestr("Payload/Real.app/Info.plist", info("com.example.real", "Real", "APPL"))
    for file, name in ((program, "Real"), (library, "Frameworks/fsevents.framework/fsevents"), (library, "Frameworks/libfsevents.dylib")):
        entry = zipfile.ZipInfo("Payload/Real.app/" + name)
        entry.external_attr, entry.compress_type = 0o100755 << 16, zipfile.ZIP_DEFLATED
        app.writestr(entry, open(file, "rb").read())
    app.writestr("Payload/Real.app/Frameworks/fsevents.framework/Info.plist", info("com.example.fsevents", "fsevents", "FMWK"))
with open(profile, "wb") as out:
    application = "A1B2C3D4E5.*"
    plistlib.dump({
        "Name": "Example", "UUID": "00000000-1111-2222-3333-444444444444", "TeamName": "Example Ltd", "TeamIdentifier": ["A1B2C3D4E5"],
        "ProvisionsAllDevices": True, "ExpirationDate": datetime.datetime(2050, 1, 1), "DeveloperCertificates": [open(certificate, "rb").read()],
        "Entitlements": {"application-identifier": application, "keychain-access-groups": [application], "get-task-allow": False},
    }, out)
PY
openssl pkcs12 -in "$keys/ios.p12" -passin pass:secret -nokeys -clcerts 2>/dev/null | openssl x509 -outform DER -out "$work/ios.der"
openssl pkcs12 -in "$keys/rsa.p12" -passin pass:secret -nodes -out "$work/rsa.pem" 2>/dev/null
python3 "$work/app.py" "$work/real.ipa" "$work/profile.plist" "$work/ios.der" "$(unpack @esbuild/darwin-arm64@0.25.0)/bin/esbuild" "$(unpack fsevents@2.3.3)/fsevents.node"
openssl cms -sign -binary -nodetach -outform DER -signer "$work/rsa.pem" -in "$work/profile.plist" -out "$work/profile.mobileprovision"
mkdir "$work/scratch"
"$writer" insert ios "$work/real.ipa" "$work/changed.ipa" "$work/policy.json"
"$writer" sign-ios "$work/changed.ipa" "$work/real-signed.ipa" "$keys/ios.p12" secret "$work/profile.mobileprovision" "$work/scratch" >/dev/null
"${verify[@]}" "$work/real-signed.ipa" --unsigned "$work/changed.ipa"

# The checker has to object to anything else.
cat >"$work/spoil.py" <<'PY'
import sys, zipfile
source, target, name, at = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
    for entry in old.infolist():
        content = bytearray(old.read(entry))
        if entry.filename == "Payload/Example.app/" + name:
            content[int(at)] ^= 1
        new.writestr(entry, bytes(content))
PY
for spoilt in "Example 5000" "Example 49200" "Assets.car 7" "appdepot/policy.json 2" "Info.plist 20" "_CodeSignature/CodeResources 900" "Frameworks/Inner.framework/Inner 9000" \
    "Frameworks/libplain.dylib 20000" "en.lproj/Localizable.strings 1" "PlugIns/Share.appex/Share 40"; do
    read -r name at <<<"$spoilt"
    python3 "$work/spoil.py" "$work/ipa/signed.ipa" "$work/spoilt.ipa" "$name" "$at"
    ! "${verify[@]}" "$work/spoilt.ipa" >/dev/null 2>&1 || fail "an IPA with a changed byte in $name verifies"
done
! "${verify[@]}" "$work/ipa/unsigned.ipa" >/dev/null 2>&1 || fail "an IPA that is not signed verifies"
echo "and 11 spoilt IPAs do not verify"
