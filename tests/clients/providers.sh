#!/usr/bin/env bash
# The identity providers of identity.mjs. run.sh sources this file for its functions; run by itself it starts the providers, tests
# whether they are what identity.mjs takes them for, and stops them. The OpenID provider runs inside of those drivers (oidc.mjs).

# install_oidc CLIENTS: the OpenID provider's library, in a fixed version that runs on node 18.
install_oidc() {
    if [ "$(node -p "require('$1/node_modules/oidc-provider/package.json').version" 2>/dev/null)" != 8.8.1 ]; then
        npm install --prefix "$1" --no-audit --no-fund --ignore-scripts --loglevel=error oidc-provider@8.8.1
    fi
}

# have_slapd: whether slapd and its tools are there, after an attempt to install them.
have_slapd() {
    local tools=/usr/sbin/slapd policy=/usr/sbin/policy-rc.d placed=
    if [ ! -x "$tools" ] || ! command -v ldapwhoami >/dev/null; then
        [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
        # The package would start a server of the machine's own.
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod +x "$policy"
            placed=yes
        fi
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slapd ldap-utils >/dev/null
        [ -z "$placed" ] || rm "$policy"
    fi
    [ -x "$tools" ] && [ -d /etc/ldap/schema ] && command -v openssl >/dev/null
}

# start_slapd FOLDER: a directory with a few people. Sets slapd_process, ldap_url (for StartTLS), ldaps_url and ldap_ca.
start_slapd() {
    local folder=$1 modules ports
    mkdir -p "$folder/data"
    ldap_ca=$folder/ca.pem
    cat >"$folder/openssl.cnf" <<-END
		[req]
		distinguished_name = name
		[name]
		[ca]
		basicConstraints = critical, CA:TRUE
		keyUsage = critical, keyCertSign
		[server]
		basicConstraints = critical, CA:FALSE
		subjectAltName = IP:127.0.0.1, DNS:localhost
		extendedKeyUsage = serverAuth
	END
    local new=(openssl req -config "$folder/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    "${new[@]}" -x509 -extensions ca -days 2 -subj "/CN=CA of a test" -keyout "$folder/ca.key" -out "$ldap_ca" 2>"$folder/openssl.log"
    "${new[@]}" -subj /CN=localhost -keyout "$folder/server.key" -out "$folder/server.csr" 2>>"$folder/openssl.log"
    openssl x509 -req -in "$folder/server.csr" -CA "$ldap_ca" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
        -extfile "$folder/openssl.cnf" -extensions server -out "$folder/server.pem" 2>>"$folder/openssl.log"

    for modules in /usr/lib/ldap /usr/lib64/openldap /usr/lib/openldap; do
        [ ! -d "$modules" ] || break
    done
    # bind_anon_dn: an empty password with a name is an anonymous bind that succeeds, as in Active Directory.
    cat >"$folder/slapd.conf" <<-END
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/inetorgperson.schema
		modulepath $modules
		moduleload back_mdb
		TLSCACertificateFile $ldap_ca
		TLSCertificateFile $folder/server.pem
		TLSCertificateKeyFile $folder/server.key
		allow bind_anon_dn
		security simple_bind=128
		database mdb
		directory $folder/data
		maxsize 10485760
		suffix dc=example,dc=com
		access to attrs=userPassword by anonymous auth by * none
		access to * by users read by anonymous auth by * none
	END
    cat >"$folder/people.ldif" <<-'END'
		dn: dc=example,dc=com
		objectClass: dcObject
		objectClass: organization
		dc: example
		o: Example

		dn: ou=people,dc=example,dc=com
		objectClass: organizationalUnit
		ou: people

		dn: cn=carol,ou=people,dc=example,dc=com
		objectClass: inetOrgPerson
		cn: carol
		sn: Singer
		mail: carol@example.com
		userPassword: singing

		dn: uid=dave,ou=people,dc=example,dc=com
		objectClass: inetOrgPerson
		uid: dave
		cn: Dave Painter
		sn: Painter
		mail: dave@example.com
		userPassword: painting

		dn: cn=Jones\, Eve,ou=people,dc=example,dc=com
		objectClass: inetOrgPerson
		cn: Jones, Eve
		sn: Jones
		mail: eve@example.com
		userPassword: acting

		dn: ou=former,ou=people,dc=example,dc=com
		objectClass: organizationalUnit
		ou: former

		dn: cn=fred,ou=former,ou=people,dc=example,dc=com
		objectClass: inetOrgPerson
		cn: fred
		sn: Former
		userPassword: leaving
	END
    /usr/sbin/slapadd -f "$folder/slapd.conf" -l "$folder/people.ldif" 2>"$folder/slapd.log" || {
        cat "$folder/slapd.log" >&2
        return 1
    }

    # Both at once, so that they differ.
    ports=$(node -e '
        const servers = [0, 1].map(() => require("net").createServer().listen(0, "127.0.0.1", () => {
            if (!servers.every(one => one.listening)) return;
            console.log(servers.map(one => one.address().port).join(" "));
            for (const one of servers) one.close();
        }));')
    ldap_url=ldap://127.0.0.1:${ports% *}
    ldaps_url=ldaps://127.0.0.1:${ports#* }
    /usr/sbin/slapd -d 0 -f "$folder/slapd.conf" -h "$ldap_url $ldaps_url" >>"$folder/slapd.log" 2>&1 &
    slapd_process=$!
    for _ in $(seq 100); do
        if ! kill -0 "$slapd_process" 2>/dev/null; then
            break
        elif ldapwhoami -x -H "$ldap_url" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    echo "slapd does not serve" >&2
    cat "$folder/slapd.log" >&2
    return 1
}

# stop_slapd: at once, also where it was stopped with SIGSTOP.
stop_slapd() {
    [ -n "${slapd_process:-}" ] || return 0
    kill -KILL "$slapd_process" 2>/dev/null || true
    wait "$slapd_process" 2>/dev/null || true
    slapd_process=
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    cd "$(dirname "$0")/../.."
    clients=${CARGO_TARGET_DIR:-target}/clients
    mkdir -p "$clients"
    clients=$(cd "$clients" && pwd)
    work=$(mktemp -d)
    trap 'stop_slapd; rm -rf "$work"' EXIT
    install_oidc "$clients"
    options=(--modules "$clients/node_modules")
    if have_slapd; then
        start_slapd "$work/ldap"
        options+=(--ldap "$ldap_url" --ldaps "$ldaps_url" --ca "$ldap_ca")
    else
        echo "SKIPPED: LDAP: slapd is not installed, and this is not root on a Debian system"
    fi
    env -u http_proxy -u HTTP_PROXY -u https_proxy -u HTTPS_PROXY -u all_proxy -u ALL_PROXY node tests/clients/providers.mjs "${options[@]}"
fi
