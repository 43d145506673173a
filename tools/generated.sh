# Fails if go generate changes, adds or removes a file. It compares the tree before and after
# and not with the last commit, so that it also serves in the middle of work.
set -eu
cd "$(dirname "$0")/.."

snapshot() {
	git ls-files -z --cached --others --exclude-standard | sort -z | xargs -0 sha256sum 2>/dev/null || true
}

before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT

snapshot >"$before"
${GO:-go} generate ./...
snapshot >"$after"
if ! diff "$before" "$after"; then
	echo "go generate changed the files above: run it and commit them" >&2
	exit 1
fi
