#!/usr/bin/env bash
# Sees to the programs that tests start: installs what is missing when it may (root on Debian), else prints which
# tests are left out and why; those tests skip with the same reason.
set -euo pipefail

missing=()
reasons=()
need() { # package, reason, then paths of which one must exist
    local package=$1 reason=$2 path
    shift 2
    for path in "$@"; do
        if compgen -G "$path" >/dev/null; then return; fi
    done
    missing+=("$package")
    reasons+=("$reason")
}
look() {
    missing=()
    reasons=()
    need chromium "browser tests: no chromium" "/usr/bin/chromium" "/usr/bin/chromium-browser"
    need chromium-headless-shell "nothing, but browser tests take longer" "/usr/bin/chromium-headless-shell"
    need postgresql "tests on PostgreSQL: no server programs" "/usr/lib/postgresql/*/bin/postgres"
    need redis-server "tests with Redis: no redis-server" "/usr/bin/redis-server"
    need dovecot-imapd "tests against a real IMAP server: no dovecot" "/usr/sbin/dovecot"
    need coturn "calls through a relay: no turnserver" "/usr/bin/turnserver"
    need sip-tester "calls by another's SIP: no sipp" "/usr/bin/sipp"
    need baresip-core "calls by another's telephone: no baresip" "/usr/bin/baresip"
    need swaks "tests that send mail with swaks: no swaks" "/usr/bin/swaks"
}

look
if [ "${#missing[@]}" -gt 0 ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing for tests: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq </dev/null; then
        # One by one: a package that is not to be had leaves out its own tests only.
        for package in "${missing[@]}"; do
            apt-get install -qq -y --no-install-recommends "$package" </dev/null >/dev/null || echo "apt-get failed: $package" >&2
        done
    fi
    look
fi
for i in "${!missing[@]}"; do
    echo "Left out: ${reasons[$i]} (apt install ${missing[$i]})"
done
