# Installs the Debian packages that the tests need and this machine lacks: a C compiler for
# the race detector, Node for the SDK that e2e runs, OpenSSL for the SM3 that ours is compared with.
# It does nothing where all is there.
set -eu

missing=
echo '#include <stdlib.h>' | gcc -E -x c - >/dev/null 2>&1 || missing="gcc libc6-dev"
node --version >/dev/null 2>&1 || missing="$missing nodejs"
npm --version >/dev/null 2>&1 || missing="$missing npm"
openssl dgst -sm3 /dev/null >/dev/null 2>&1 || missing="$missing openssl"
if [ -z "$missing" ]; then
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "install what $missing are called on this system, then run make test again" >&2
	exit 1
fi
root=
if [ "$(id -u)" -ne 0 ]; then
	root=sudo
fi
echo "installing: $missing"
$root apt-get update -q
DEBIAN_FRONTEND=noninteractive $root apt-get install -qy --no-install-recommends $missing
