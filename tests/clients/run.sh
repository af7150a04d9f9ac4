#!/usr/bin/env bash
# Runs real, unmodified clients and real identity providers against the local server, and compares the package reader with Android's
# own tools.
#
#   tests/clients/run.sh [path-to-appdepot]      by default target/debug/appdepot, built if it is not there
#
# Needs bash, curl, openssl, node 18 or later, npm, python3 with venv and (for the build and the reader) cargo. The clients and the APKs come
# from the npm registry and PyPI, in fixed versions, into target/clients.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/clients
. "$here/providers.sh"
target=${CARGO_TARGET_DIR:-target}
# The first administrator's, on every fresh data folder.
password=administrator-of-the-test
server=${1:-$target/debug/appdepot}

fail() {
    echo "$*" >&2
    exit 1
}

# fhc would send requests for 127.0.0.1 through a proxy too.
without_proxy=(env -u http_proxy -u HTTP_PROXY -u https_proxy -u HTTPS_PROXY -u all_proxy -u ALL_PROXY)

for tool in node npm curl openssl python3; do
    command -v "$tool" >/dev/null || fail "$tool is needed"
done
[ "$(node -p 'Number(process.versions.node.split(".")[0])')" -ge 18 ] || fail "node 18 or later is needed"

if [ ! -x "$server" ]; then
    [ $# -eq 0 ] || fail "$server is not there"
    cargo build
fi

clients=$target/clients
mkdir -p "$clients"
clients=$(cd "$clients" && pwd)
fhc=$clients/node_modules/fh-fhc/bin/fhc.js
if [ "$(node -p "require('$clients/node_modules/fh-fhc/package.json').version" 2>/dev/null)" != 7.2.0 ]; then
    npm install --prefix "$clients" --no-audit --no-fund --ignore-scripts --loglevel=error fh-fhc@7.2.0
fi
install_oidc "$clients"
python=$clients/python/bin/python
if ! "$python" -c 'import jwt, sys; sys.exit(jwt.__version__ != "2.10.1")' 2>/dev/null; then
    python3 -m venv --clear "$clients/python"
    "$python" -m pip install --quiet --disable-pip-version-check pyjwt==2.10.1
fi

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
stf=$(unpack @devicefarmer/stf@3.7.9)/vendor/STFService/STFService.apk
apidemos=$(unpack android-apidemos@5.0.0)/apks/ApiDemos-debug.apk
uiautomator2=$(unpack appium-uiautomator2-server@10.6.6)/apks
for apk in "$stf" "$apidemos" "$uiautomator2"/*.apk; do
    [ -s "$apk" ] || fail "$apk is not in its package"
done

android_tools=yes
if ! command -v aapt >/dev/null || ! command -v apksigner >/dev/null; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq aapt apksigner >/dev/null
    else
        android_tools=no
    fi
fi

slapd=no
! have_slapd || slapd=yes

all_work=$(mktemp -d)
# Ends what a session started, and says what its server said last if the session failed.
clean_up() {
    local status=$?
    if [ -n "$process" ]; then
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    fi
    stop_slapd
    if [ "$status" -ne 0 ] && [ -s "$work/server.log" ]; then
        echo "--- the end of the server's log" >&2
        tail -n 20 "$work/server.log" >&2
    fi
}

# Sessions that run: the process of each, and which it is.
declare -A running=()
stop_sessions() {
    local status=$?
    if [ "${#running[@]}" -gt 0 ]; then
        kill "${!running[@]}" 2>/dev/null || true
        wait "${!running[@]}" 2>/dev/null || true
    fi
    rm -rf "$all_work"
    exit "$status"
}
trap stop_sessions EXIT
trap 'exit 130' INT TERM

# session NAME COMMAND...: runs it beside others, as many as there are processors, with a folder and a server of its own. What it
# prints comes when it has ended, so that nothing is mixed.
session() {
    local name=$1
    shift
    [ "${#running[@]}" -lt "$(nproc)" ] || end_one
    mkdir "$all_work/$name"
    (
        work=$all_work/$name process=
        trap - INT
        trap 'exit 143' TERM
        trap clean_up EXIT
        started=$SECONDS
        "$@"
        echo "--- $name took $((SECONDS - started)) seconds"
    ) >"$all_work/$name.out" 2>&1 &
    running[$!]=$name
}

# Waits for one session and prints what it said; the first that failed ends the run.
end_one() {
    local ended status=0
    wait -n -p ended "${!running[@]}" || status=$?
    cat "$all_work/${running[$ended]}.out"
    local name=${running[$ended]}
    unset "running[$ended]"
    [ "$status" -eq 0 ] || fail "$name failed"
}

# start_server DATA OPTION...: on a free port; sets process and url.
start_server() {
    local data=$1
    shift
    # The background process truncates it too, but maybe only after the first look at it below, which
    # would then find the address of the server before.
    : >"$work/server.out"
    APPDEPOT_ADMIN_PASSWORD="$password" "${without_proxy[@]}" "$server" --listen 127.0.0.1:0 --data "$data" "$@" >"$work/server.out" 2>"$work/server.log" &
    process=$!
    url=
    for _ in $(seq 300); do
        url=$(sed -n 's/^ready //p' "$work/server.out")
        [ -z "$url" ] || break
        kill -0 "$process" 2>/dev/null || fail "the server stopped before it was ready"
        sleep 0.1
    done
    [ -n "$url" ] || fail "the server was not ready within 30 seconds"
    curl --silent --show-error --fail --noproxy '*' "$url/health" >/dev/null || fail "$url/health does not answer"
}

# The server has to stop by itself on SIGTERM, without an error, soon.
stop_server() {
    kill -TERM "$process"
    for _ in $(seq 200); do
        jobs -rp | grep -qx "$process" || break
        sleep 0.1
    done
    ! jobs -rp | grep -qx "$process" || fail "the server still runs 20 seconds after SIGTERM"
    local status=0
    wait "$process" || status=$?
    process=
    [ "$status" -eq 0 ] || fail "the server ended with $status after SIGTERM"
    ! curl --silent --noproxy '*' --max-time 5 "$url/health" >/dev/null || fail "something still answers at $url"
    echo "ok - the server stops cleanly on SIGTERM"
    : >"$work/server.log"
}

drive() {
    local driver=$1
    shift
    echo "--- $driver"
    "${without_proxy[@]}" node "$here/$driver" "$@"
}

fhc_session() {
    start_server "$work/data"
    drive fhc.mjs --url "$url" --password "$password" --fhc "$fhc" --settings "$work/data/clients/fhcrc" --work "$work" \
        --small "$stf" --medium "$apidemos" --large "$uiautomator2/appium-uiautomator2-server-v10.6.6.apk" \
        --other "$uiautomator2/appium-uiautomator2-server-debug-androidTest.apk"
    stop_server
}

people_session() {
    start_server "$work/data"
    drive people.mjs --url "$url" --password "$password" --fhc "$fhc" --work "$work" --small "$stf"
    stop_server
}

alerts_session() {
    start_server "$work/data"
    drive alerts.mjs --url "$url" --password "$password" --fhc "$fhc" --work "$work" --small "$stf"
    stop_server
}

# wso2_session STATUS
wso2_session() {
    start_server "$work/data" --wso2-create-status "$1"
    drive wso2.mjs --url "$url" --password "$password" --settings "$work/data/clients/wso2-client.json" --apk "$stf" --create-status "$1"
    stop_server
}

apperian_session() {
    start_server "$work/data"
    echo "--- apperian.py"
    [ "$android_tools" = yes ] || echo "SKIPPED: what aapt and apksigner say of signed apps: they are not installed, and this is not root on a Debian system"
    "${without_proxy[@]}" python3 "$here/apperian.py" --url "$url" --password "$password" --token-file "$work/data/clients/apperian-token" --apk "$stf" \
        --work "$work" --android-tools "$android_tools"
    stop_server
}

# pingid_session OPTION...
pingid_session() {
    start_server "$work/data" "$@"
    echo "--- pingid.py $*"
    "${without_proxy[@]}" "$python" "$here/pingid.py" --url "$url" --password "$password" --properties "$work/data/clients/pingid.properties"
    stop_server
}

identity_session() {
    local providers=(--modules "$clients/node_modules")
    if [ "$slapd" = yes ]; then
        start_slapd "$work/ldap"
        providers+=(--ldap "$ldap_url" --ldaps "$ldaps_url" --ca "$ldap_ca")
    else
        echo "SKIPPED: sign-ins through LDAP: slapd is not installed, and this is not root on a Debian system"
    fi
    drive providers.mjs "${providers[@]}"
    # The providers are on this machine, where policies lead nobody by default.
    start_server "$work/data" --allow-private-addresses
    drive identity.mjs --url "$url" --password "$password" "${providers[@]}" ${slapd_process:+--slapd "$slapd_process"}
    stop_slapd
    stop_server
}

packages_session() {
    if [ "$android_tools" = yes ]; then
        "$here/aapt-compare.sh"
    else
        echo "SKIPPED: the comparison with aapt and apksigner: they are not installed, and this is not root on a Debian system"
    fi
}

# The longest first.
session fhc fhc_session
session identity identity_session
session people people_session
session alerts alerts_session
# Clients of the publisher API differ on the status of what they create: the whole session with both.
session wso2-201 wso2_session 201
session wso2-200 wso2_session 200
session apperian apperian_session
session pingid pingid_session
# The same by clients with right clocks, where each message is taken once.
session pingid-strict pingid_session --pingid-strict
session packages packages_session
while [ "${#running[@]}" -gt 0 ]; do
    end_one
done
