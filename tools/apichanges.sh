# Tells what changed since a revision for programs that import the module's packages, what breaks them
# first, as in: apichanges.sh v0.1.0. It compares with the files as they are, committed or not.
# The old files come out of git archive and not from a worktree, which git would keep account of.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
since=$(git rev-parse --verify --end-of-options "${1:?usage: apichanges.sh REVISION}^{commit}")
apidiff=$($go tool -n apidiff)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# GOWORK is off, for the workspace of an old revision may want modules that are not here.
export GOWORK=off GOPROXY=off
mkdir "$dir/old"
git archive "$since" | tar x -C "$dir/old"
module=$($go list -m)
(cd "$dir/old" && "$apidiff" -m -w "$dir/old.api" "$module")
"$apidiff" -m -w "$dir/new.api" "$module"
if ! "$apidiff" -m "$dir/old.api" "$dir/new.api" >"$dir/changes" 2>"$dir/log"; then
	cat "$dir/log" >&2 # what it says on success is only which internal packages it leaves out
	exit 1
fi
sed "s#$module\.#wechatpay.#g; s#$module/##g" "$dir/changes"
