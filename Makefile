# Sigra. `make run` to try it, `make test` to test it, `make help` for the rest.

CADDY := build/caddy
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
AXE := 4.14.1
CADDYFILES := Caddyfile.example docker/Caddyfile
PACKAGES := postgresql redis-server chromium python3-jwt python3-cryptography

.PHONY: help run build test race axe bench timing lint deps clean

help:
	@echo 'make run     builds Caddy with Sigra and serves a demo app behind it on http://localhost:8080'
	@echo 'make test    runs every test, on real Postgres, Redis and Chromium, with axe-core where npm is'
	@echo 'make race    runs the Go tests under the race detector'
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

test: deps build
	@axe=$$(.ci/axe $(AXE)) && SIGRA_AXE=$$axe go run ./tests/count ./...

race: deps build
	go test -race ./...

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
