#!/bin/sh
# Takes a bare Debian or Ubuntu machine to a ready .venv in this checkout; it starts no service and asks nothing.
#
#   tools/setup.sh                       everything `make test` and `make demo` need
#   PYTHON=python3.13 tools/setup.sh     the same with a Python of one's choice
#
# It may be run again at any time: when nothing changed it only looks, and what an interrupted run left is repaired.
# Exit codes: 0 ready; 1 a step failed; 2 no Python; 3 a line for the administrator was printed.
set -eu

cd "${0%/*}/.."
root=$PWD
stamp=.venv/setup-stamp
lock=requirements.lock

say() { printf '%s\n' "setup: $*" >&2; }
stop() { code=$1; shift; say "$@"; exit "$code"; }

# The interpreters are tried, not only found: pyenv leaves names on the path that start nothing.
find_python() {
    for name in ${PYTHON:-python3.11 python3.12 python3.13 python3 /usr/bin/python3}; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            "$name" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return
        fi
    done
    for name in ${PYTHON:-python3.14 python3}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return
        fi
    done
}

# pyscard is compiled on Linux, against the headers of the very Python that will import it.
packages_for() {
    echo pcscd vsmartcard-vpcd vsmartcard-vpicc libpcsclite-dev gcc libc6-dev pkg-config opensc pcsc-tools tshark
    echo strace    # a test reads from system calls when the journal is synced
    echo "$(chromium_package)" fonts-noto-cjk    # the tests look at the counter's pages, in both languages
    case $1 in
        /usr/bin/python3.*) echo "${1#/usr/bin/}-dev" "${1#/usr/bin/}-venv" ;;
        *) echo python3-dev python3-venv ;;
    esac
}

chromium_package() {
    if grep -qx 'ID=ubuntu' /etc/os-release 2>/dev/null; then echo chromium-browser; else echo chromium; fi
}

missing_packages() {
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p')
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qx -- "$package" || printf '%s ' "$package"
    done
}

# apt starts pcscd where it may. Ours are private ones, so a daemon that came with the installation goes again,
# except under systemd, where it is the administrator's (started by its socket, gone after a minute).
install_packages() {
    had_daemon=$(daemon_pid)
    export DEBIAN_FRONTEND=noninteractive
    dpkg --configure -a >&2    # what an interrupted installation left half done
    apt-get update -q >&2
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >&2
    if [ -z "$had_daemon" ] && [ -n "$(daemon_pid)" ] && [ ! -d /run/systemd/system ]; then
        kill "$(daemon_pid)"
    fi
}

daemon_pid() {
    pid=$(tr -d '\0\n' 2>/dev/null < /run/pcscd/pcscd.pid || true)
    if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then echo "$pid"; fi
}

prepare_system() {
    command -v dpkg-query >/dev/null 2>&1 || stop 1 "this set-up knows Debian and Ubuntu only (no dpkg here)."
    # shellcheck disable=SC2046  # the lists are split into words on purpose
    missing=$(missing_packages $(packages_for "$python"))
    if [ -z "$missing" ] && [ -d /run/pcscd ]; then return; fi
    if [ "$(id -u)" -ne 0 ]; then
        say "the system still lacks something; please run this line once, then the same command again:"
        line="sudo mkdir -p /run/pcscd"
        if [ -n "$missing" ]; then
            line="sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing% } && $line"
        fi
        printf '%s\n' "$line"
        exit 3
    fi
    if [ -n "$missing" ]; then
        say "installing ${missing% }"
        # shellcheck disable=SC2086
        install_packages $missing || stop 1 "apt-get could not install: ${missing% }"
    fi
    mkdir -p /run/pcscd    # pcscd wants it to exist even when its socket lies elsewhere (docs/spec/pcsc.md section 2)
}

# What a .venv was made of (first line: cannot be changed in place) and holds (second line: can be installed over).
foundation() { printf '%s %s\n' "$root" "$("$python" -c 'import sys; print(sys.executable, sys.version)' | tr '\n' ' ')"; }
contents() { cat "$lock" pyproject.toml setup.py tools/setup.sh | sha256sum | cut -d' ' -f1; }

make_venv() {
    say "making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv || stop 1 "$python cannot make a virtual environment (is its venv package installed?)."
}

install_locked() {
    say "installing the locked packages (pyscard is compiled; about half a minute)"
    pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip install -qq"
    $pip --require-hashes -r "$lock" || stop 1 "the locked packages could not be installed; see above."
    $pip --no-deps --no-build-isolation -e . || stop 1 "the package itself could not be installed; see above."
    mkdir -p .venv/typing
    ln -sfn ../../applets .venv/typing/sscard_applets    # for mypy, see pyproject.toml
}

python=$(find_python)
[ -n "$python" ] || stop 2 "Python 3.11 or newer is needed and none was found (Debian 12: apt-get install python3)."
prepare_system

exec 9< Makefile
flock 9    # two make commands at once: the second waits and then finds all done

have_foundation=$(sed -n 1p "$stamp" 2>/dev/null || true)
have_contents=$(sed -n 2p "$stamp" 2>/dev/null || true)
want_foundation=$(foundation)
want_contents=$(contents)
if [ "$have_foundation" = "$want_foundation" ] && [ "$have_contents" = "$want_contents" ] &&
    .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
if [ "$have_foundation" != "$want_foundation" ] || ! .venv/bin/python -c '' 2>/dev/null; then make_venv; fi
rm -f "$stamp"
install_locked
printf '%s\n%s\n' "$want_foundation" "$want_contents" > "$stamp"
say "ready"
