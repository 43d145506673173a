# make test is what a change has to pass: it needs Go, make and git, and installs the rest.

GO       ?= go
FUZZTIME ?= 1m
COUNT    ?= 10
MODULES  := . bench cmd/wxpay e2e openssl tools webhook/boltonce webhook/sqlonce

.NOTPARALLEL:
.PHONY: test deps check fmt vet staticcheck generated tidy race nocgo bench-smoke fuzz-smoke fuzz soak bench build-cost api-changes vuln

test: deps check race nocgo bench-smoke fuzz-smoke

check: fmt vet staticcheck generated tidy

deps:
	sh tools/apt.sh
	cd e2e && npm ci --no-audit --no-fund

fmt:
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$files" ]; then echo "not formatted, run gofmt -w:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet work

staticcheck:
	$(GO) tool staticcheck work

# The catalog is the source of all generated code: generating it again changes nothing.
generated:
	GO=$(GO) sh tools/generated.sh

tidy:
	@for module in $(MODULES); do \
		(cd $$module && $(GO) mod tidy -diff) || { echo "go.mod is not tidy in $$module: run go mod tidy there"; exit 1; }; \
	done

race:
	$(GO) test -race work

# OpenSSL is called in another way without cgo, which the race detector needs, and not at all with a tag.
nocgo:
	cd openssl && CGO_ENABLED=0 $(GO) test . && $(GO) vet -tags noopenssl . && $(GO) test -tags noopenssl .
	cd cmd/wxpay && CGO_ENABLED=0 $(GO) test -run 'OpenSSL' .

# The budgets of allocations without the race detector, which allocates itself, and every benchmark once, so
# that none rots; go run ./bench measures.
bench-smoke:
	$(GO) test -run 'Alloc|EveryMeasurement' . ./internal/facts ./internal/xmlv2 ./bench
	@echo "$(GO) test -bench . -benchtime 1x work"; out=$$($(GO) test -run '^$$' -bench . -benchtime 1x work 2>&1) || { echo "$$out"; exit 1; }

# Every fuzz target for 500 inputs, so that none is broken without notice; make fuzz searches. Inputs
# are counted, for a fuzzer that is stopped by the clock sometimes calls that a failure. What strangers send
# to receivers of notifications gets some 20 seconds each.
fuzz-smoke:
	GO=$(GO) sh tools/fuzz.sh 500x
	cd webhook && $(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime 30000x -fuzzminimizetime 100x .
	cd webhook && $(GO) test -run '^$$' -fuzz '^FuzzParseV2$$' -fuzztime 140000x -fuzzminimizetime 100x .

fuzz:
	GO=$(GO) sh tools/fuzz.sh $(FUZZTIME)

# What takes long: histories of orders, true requests for the doctor, a simulator that is killed,
# receivers of notifications that are, and a bill of 2 GiB, which needs as much disk.
soak:
	WXPAY_HISTORIES=200 $(GO) test -count 1 -timeout 60m -run 'Whatever' ./sim
	WXPAY_REQUESTS=10000 $(GO) test -count 1 -timeout 60m -run 'NeverAccused' ./sim/internal/doctor
	cd cmd/wxpay && WXPAY_KILLS=50 $(GO) test -count 1 -timeout 60m -run 'Kill' .
	cd e2e && E2E_NOTIFICATIONS=20000 $(GO) test -count 1 -timeout 60m -run 'KilledBook' .
	cd openssl && WXPAY_SIGNATURES=100000 $(GO) test -count 1 -timeout 60m -run 'Memory|AddUp' .
	WXPAY_BILL_BYTES=2147483648 $(GO) test -count 1 -timeout 60m -run 'LargeBill' ./bill

# Two files of this make a comparison: go tool benchstat old.txt new.txt
bench:
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) work

# What compiling the index of all products costs who has only the standard library compiled.
build-cost:
	@GO=$(GO) sh tools/buildcost.sh

# What users of the packages will notice: make api-changes SINCE=v0.1.0
api-changes:
	@GO=$(GO) sh tools/apichanges.sh "$(SINCE)"

# Asks the vulnerability database, so it is not part of make test.
vuln:
	@for module in $(MODULES); do (cd $$module && GOWORK=off $(GO) run -C $(CURDIR)/tools golang.org/x/vuln/cmd/govulncheck -C $(CURDIR)/$$module ./...) || exit 1; done
