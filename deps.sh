#!/bin/bash
# Installs what is missing from Debian's packages, with sudo where not root.
# usage: deps.sh build|demo|test|check|bench ...
set -euo pipefail

build="g++ cmake make pkg-config nginx-dev libuv1-dev libhiredis-dev libjansson-dev libssl-dev libtoml11-dev
    libcli11-dev libspdlog-dev libfmt-dev liburing-dev libxxhash-dev libsqlite3-dev zlib1g-dev libcurl4-openssl-dev libpq-dev"
demo="nginx redis-server python3"
test="$demo libgtest-dev libgmock-dev rapidjson-dev perl libio-socket-ssl-perl openssl curl nodejs npm chromium
    python3-httpx python3-websockets python3-aiohttp python3-requests clang libclang-rt-14-dev postgresql"
check="clang-format"
bench="$demo libnginx-mod-nchan util-linux openssl nodejs python3-jwt python3-cryptography
    python3-fastapi python3-uvicorn python3-uvloop python3-httptools python3-websockets python3-redis postgresql"

wanted=()
for group in "$@"; do
    case $group in
        build | demo | test | check | bench) ;;
        *)
            echo "deps.sh: there is no group \"$group\"; there are build, demo, test, check and bench" >&2
            exit 2
            ;;
    esac
    read -r -d '' -a packages <<<"${!group}" || true
    wanted+=("${packages[@]}")
done

missing=()
for package in "${wanted[@]}"; do
    # nodejs, npm: whatever provides the command will do, packaged or not.
    case $package in
        nodejs) command -v node >/dev/null && continue ;;
        npm) command -v npm >/dev/null && continue ;;
    esac
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "deps.sh: no apt-get here; install by hand: ${missing[*]}" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}"

# Debian starts the services that it installs; ours are started by whoever needs them, on ports of their own.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod +x $policy
    made_policy=1
fi
trap '[ -z "$made_policy" ] || "${as_root[@]}" rm -f $policy' EXIT

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
