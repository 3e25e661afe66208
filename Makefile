# Sigra. `make run` to try it, `make test` to test it, `make help` for the rest.

CADDY := build/caddy
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
AXE := 4.14.1
MINIFLUX := v2.2.14
CADDYFILES := Caddyfile.example docker/Caddyfile
PACKAGES := postgresql redis-server chromium python3-jwt python3-cryptography nodejs

.PHONY: help run build test race fuzz axe bench timing lint deps clean

help:
	@echo 'make run     builds Caddy with Sigra and serves a demo app behind it on http://localhost:8080'
	@echo 'make test    runs every test, on real Postgres, Redis and Chromium, with axe-core where npm is'
	@echo 'make race    runs the race detector: over the packages, and in gateways'
	@echo 'make fuzz    runs each fuzz target for FUZZTIME, a few seconds'
	@echo 'make axe     runs the browser tests alone, with axe-core: what keeps people out of a page'
	@echo 'make bench   measures the gateway against bare Caddy'
	@echo 'make timing  compares the answers to known and unknown addresses'
	@echo 'make lint    checks formatting, vet, staticcheck and the shipped Caddyfiles'
	@echo 'make deps    installs what the tests need (Debian), or says what is missing'
	@echo 'make clean   removes what was built'

build:
	@mkdir -p build
	go build -o $(CADDY) ./caddymodule/cmd/caddy

run: build
	@echo
	@echo '  Sigra is starting on http://localhost:8080'
	@echo '  On the first run, open the link below that creates the first account.'
	@echo '  Everything is kept in build/data; stop with Ctrl-C.'
	@echo
	@XDG_DATA_HOME=$(CURDIR)/build/data XDG_CONFIG_HOME=$(CURDIR)/build/config \
		$(CADDY) run --config Caddyfile.example --adapter caddyfile

deps:
	@.ci/deps $(PACKAGES)
	@.ci/apps $(MINIFLUX)

test: deps build
	@axe=$$(.ci/axe $(AXE)) && SIGRA_AXE=$$axe go run ./tests/count ./...

# Everything under -race would take an hour: the packages, and a gateway built with
# it under the tests that make its goroutines meet.
RACING := TestRevocationOnEveryNode|TestRevocationBeats|TestReloadDropsNoStream|TestRejectedReload|TestSilentStreams|TestSetUpLinkMakesOneAccount|TestFloodOfSignIns|TestMetrics

race:
	@.ci/deps $(PACKAGES) gcc libc6-dev
	go test -race ./authcore/... ./storage/local ./caddymodule ./ui
	@mkdir -p build
	go build -race -o build/caddy-race ./caddymodule/cmd/caddy
	SIGRA_CADDY=$(CURDIR)/build/caddy-race go test -count=1 -run '$(RACING)' ./tests/e2e

FUZZTIME := 3s

fuzz:
	@.ci/fuzz $(FUZZTIME)

axe: deps build
	@axe=$$(CI=true .ci/axe $(AXE)) && SIGRA_AXE=$$axe go test -count=1 ./tests/browser

bench: build
	go run ./tests/bench

timing: deps build
	go run ./tests/bench -timing

lint: build
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@.ci/caddyfiles $(CADDY) $(CADDYFILES)

clean:
	rm -rf build
