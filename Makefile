# FoxMQ's commands. `make dev` and `make test` are the two that a newcomer needs.

GO      ?= go
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
SEEDS   ?= 1000
SEED    ?= 1
MINUTES ?= 60

.DEFAULT_GOAL := build

.PHONY: build
build: ## the daemon, into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/foxmq ./cmd/foxmq

.PHONY: dev
dev: build ## a four-node cluster on loopback, ready to use, until Ctrl-C
	bin/foxmq dev

# Three packages at a time, since those with clusters of real processes wait more than they work.
.PHONY: test
test: build ## every test that a change must pass, in under 8 minutes on 2 cores
	$(GO) test -p 3 -timeout 20m ./...

.PHONY: test-race
test-race: ## the concurrent packages under the race detector
	$(GO) test -race -short -timeout 15m ./internal/node/... ./internal/broker/... ./internal/gossip/... ./internal/quicdoor/... ./internal/users/...

.PHONY: test-long
test-long: build ## soaks, 100 kills of one node and 50 of all, many more seeds and graphs, a minute of every fuzzer
	FOXMQ_LONG=1 $(GO) test -timeout 4h ./...
	$(MAKE) fuzz FUZZTIME=60s

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	@GO="$(GO)" sh test/fuzz.sh $(FUZZTIME)

.PHONY: sim
sim: ## SEEDS simulated clusters, of N members and of KIND if these are set
	$(GO) run ./cmd/simulate -seed $(SEED) -seeds $(SEEDS) $(if $(N),-members $(N)) $(if $(KIND),-kind $(KIND))

.PHONY: sim-watch
sim-watch: ## the run of SEED, or of the line REPLAY that a failure printed, step by step
	$(GO) run ./cmd/simulate -watch $(if $(REPLAY),-replay '$(REPLAY)',-seed $(SEED)) $(if $(SVG),-svg $(SVG))

.PHONY: soak
soak: ## simulated clusters of every kind for MINUTES; the table goes to bin/soak.md
	@mkdir -p bin
	$(GO) run ./cmd/simulate -seed $(SEED) -minutes $(MINUTES) -out bin/soak.md $(if $(KIND),-kind $(KIND))

FAULTS ?=
.PHONY: chaos
chaos: build ## four real nodes, harmed for MINUTES by faults drawn from SEED, all of them or FAULTS=kill,freeze,cut,wipe,rollback,killall
	$(GO) test ./test/chaos -run '^TestRandomFaults$$' -count=1 -v -timeout 0 -seed $(SEED) -minutes $(MINUTES) $(if $(FAULTS),-faults $(FAULTS))

TIMES ?= 50
.PHONY: chaos-killall
chaos-killall: build ## four real nodes under load, all killed at once, TIMES times
	$(GO) test ./test/chaos -run '^TestKillAll$$' -count=1 -v -timeout 0 -seed $(SEED) -times $(TIMES)

.PHONY: abuse
abuse: ## what a good client feels of attacks, and the memory of idle connections, as tables
	@$(GO) test ./test/abuse -run 'TestFigures|TestIdleMemory' -count=1 -v -figures -timeout 0 | grep -E '^ *(\||---|FAIL)|_test.go'

.PHONY: sim-latency
sim-latency: ## how long ordering takes in simulated clusters of all sizes, as a table
	@$(GO) test ./internal/sim -run TestLatency -count=1 -v -latency -timeout 0 | grep -E '^(\||---|FAIL)'

.PHONY: check
check: ## formatting, vet, lint, import direction, the register of clauses, and that it builds for other systems and for 32 bits
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./cmd/... ./internal/...
	GOOS=windows $(GO) vet ./cmd/... ./internal/...
	GOARCH=386 $(GO) build ./...
	$(LINT) run ./...
	$(GO) test ./internal/layers
	$(GO) test ./test/conformance -run '^TestRegister$$'
	$(GO) mod tidy -diff
	$(MAKE) vuln

# govulncheck's exit code is 3 if there are vulnerabilities, and another one if it cannot tell.
.PHONY: vuln
vuln: ## known vulnerabilities in what the daemon calls, where their database can be reached
	@GOBIN='$(CURDIR)/bin' $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.1.4 && bin/govulncheck ./cmd/foxmq; \
	  case $$? in 0) ;; 3) exit 1 ;; *) echo 'vuln: not checked' ;; esac

.PHONY: fmt
fmt: ## format the whole tree
	$(LINT) fmt ./...

.PHONY: bench
bench: build ## throughput and latency beside Mosquitto, in one run
	bin/foxmq bench

.PHONY: bench-failover
bench-failover: build ## how long order pauses when one of four nodes is killed
	FOXMQ_FAILOVER=24 $(GO) test ./test/e2e -run TestKill -count=1 -v -timeout 1h | grep -E 'paused|^(---|ok|FAIL)'

.PHONY: image
image: ## the container image foxmq:latest
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/linux/foxmq ./cmd/foxmq
	docker build -q -t foxmq:latest .

.PHONY: test-docker
test-docker: image ## four containers; each is stopped in turn while the others serve
	sh test/docker/docker.sh

.PHONY: release
release: ## binaries for Linux, macOS and Windows, into dist/
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
	  os=$${target%/*}; arch=$${target#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  echo "dist/foxmq-$(VERSION)-$$os-$$arch$$ext"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags '$(LDFLAGS)' \
	    -o dist/foxmq-$(VERSION)-$$os-$$arch$$ext ./cmd/foxmq || exit 1; \
	done

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
