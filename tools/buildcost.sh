# Builds the program internal/binsize/hello with the index of all products, of which only the standard library
# was built before, and tells what that costs. The cache of builds is its own, so that nothing else is lost.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export CGO_ENABLED=0 GOFLAGS= GOCACHE="$dir/cache"

$go build -o "$dir/cost" ./internal/binsize/cost
$go build std
"$dir/cost" $go build -tags index -o "$dir/hello" ./internal/binsize/hello
