# Installs the Debian packages that the tests need and this machine lacks: a C compiler for
# the race detector, Node for the SDK that e2e runs, OpenSSL for the SM3 that ours is compared with and
# for what signs with it, musl for what has to refuse that there, and PostgreSQL and MariaDB, which e2e
# starts itself. It does nothing where all is there.
set -eu

missing=
echo '#include <stdlib.h>' | gcc -E -x c - >/dev/null 2>&1 || missing="gcc libc6-dev"
node --version >/dev/null 2>&1 || missing="$missing nodejs"
npm --version >/dev/null 2>&1 || missing="$missing npm"
openssl dgst -sm3 /dev/null >/dev/null 2>&1 || missing="$missing openssl"
ls /lib/ld-musl-*.so.1 >/dev/null 2>&1 || missing="$missing musl"
# Debian has the programs of PostgreSQL where no PATH leads. Of MariaDB the packages that end in core are
# enough: they have no service that would start on this machine.
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v mariadbd >/dev/null || missing="$missing mariadb-server-core"
command -v my_print_defaults >/dev/null || missing="$missing mariadb-client-core" # which mariadb-install-db needs
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
DEBIAN_FRONTEND=noninteractive $root apt-get install -qy --no-install-recommends --no-remove $missing
