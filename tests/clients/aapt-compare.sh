#!/bin/sh
# Compares what the reader says about real APKs with what Android's own aapt and apksigner say. Exits with 1 on a difference.
#
# Needs: cargo, npm, node and the Debian packages aapt and apksigner (installed with apt-get if they are missing and this runs as root).
# The APKs come from the npm registry, in fixed versions.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v aapt >/dev/null || ! command -v apksigner >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq aapt apksigner >/dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for package in android-apidemos@5.0.0 appium-uiautomator2-server@10.6.6 io.appium.settings@8.0.10 @devicefarmer/stf@3.7.9; do
    archive=$(cd "$work" && npm pack --silent "$package")
    mkdir "$work/${archive%.tgz}"
    tar xzf "$work/$archive" -C "$work/${archive%.tgz}"
done

cargo build --quiet -p package-reader --example read-package
reader="${CARGO_TARGET_DIR:-target}/debug/examples/read-package"

cat >"$work/ours.js" <<'JS'
const p = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log("package", p.identifier);
console.log("versionCode", p.versionCode === "0" ? "" : p.versionCode);
console.log("versionName", p.versionName);
// aapt prints nothing where the reader falls back to the package name.
console.log("label", p.label === p.identifier ? "" : p.label);
console.log("minSdk", p.minOs);
console.log("targetSdk", p.targetSdk);
for (const name of [...p.permissions].sort()) console.log("permission", name);
console.log("certificate", p.signature.certificateSha256);
JS

theirs() {
    aapt dump badging "$1" >"$work/badging" 2>/dev/null || true
    sed -n "s/^package: name='\([^']*\)' versionCode='\([^']*\)' versionName='\([^']*\)'.*/package \1\nversionCode \2\nversionName \3/p" "$work/badging"
    echo "label $(sed -n "s/^application-label:'\(.*\)'$/\1/p" "$work/badging")"
    sed -n "s/^sdkVersion:'\(.*\)'/minSdk \1/p; s/^targetSdkVersion:'\(.*\)'/targetSdk \1/p" "$work/badging"
    # aapt also lists permissions that it only infers; those have a second line.
    sed -n "s/^uses-implied-permission: name='\([^']*\)'.*/permission \1/p" "$work/badging" >"$work/implied"
    sed -n "s/^uses-permission: name='\([^']*\)'.*/permission \1/p" "$work/badging" | LC_ALL=C sort -u | grep -vxF -f "$work/implied" || true
    apksigner verify --print-certs "$1" 2>/dev/null | sed -n "s/^Signer #1 certificate SHA-256 digest: /certificate /p"
}

files=0
different=0
for apk in $(find "$work" -name '*.apk' | sort); do
    files=$((files + 1))
    "$reader" --remote --signature "$apk" >"$work/json" 2>"$work/cost"
    node "$work/ours.js" <"$work/json" >"$work/ours"
    theirs "$apk" >"$work/theirs"
    if diff -u "$work/theirs" "$work/ours"; then
        echo "same: $(basename "$apk") ($(cat "$work/cost"))"
    else
        echo "DIFFERENT: $(basename "$apk")"
        different=$((different + 1))
    fi
done
[ "$files" -ge 5 ] || { echo "only $files APKs found"; exit 1; }
echo "$files APKs, $different different"
[ "$different" -eq 0 ]
