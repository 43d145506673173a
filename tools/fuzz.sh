# Runs every fuzz target of the workspace for a time or a number of inputs, as in: fuzz.sh 1m, fuzz.sh 500x
# Making inputs smaller has a limit of its own, else it takes all of a short time.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}

for package in $($go list -f '{{if .TestGoFiles}}{{.Dir}}{{else if .XTestGoFiles}}{{.Dir}}{{end}}' work); do
	targets=$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' || true)
	for target in $targets; do
		(cd "$package" && $go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 100x .)
	done
done
