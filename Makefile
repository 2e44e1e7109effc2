# make            build/herald and build/ngx_http_herald_module.so
# make test       everything: units and integration tests (also under sanitizers), fault tests, the browser
# make demo       Redis, sidecar, nginx and a producer on free ports, and a page to watch them
# make bench      the benchmark next to a floor and peers           BENCH="--quick" and the like
# make bench-full all its rows, up to an hour                      BENCH="--fill docs/performance.md"
# make soak       the ring's fault test for longer                 SOAK="--messages N --kills K"
# make fuzz       the fuzzers, FUZZ_SECONDS each                   FUZZ_SECONDS=600 FUZZERS="jwt jwks"
# make check      formatting, and warnings as errors with clang++ (make WERROR=ON: with g++)
# Each installs what it lacks first (deps.sh).

BUILD   ?= build
JOBS    ?= $(shell nproc)
WERROR  ?= OFF
BENCH   ?=
SOAK    ?= --messages 50000000 --kills 20000
FUZZ_SECONDS ?= 60
FUZZERS ?= $(patsubst tests/fuzz/%_fuzz.cpp,%,$(wildcard tests/fuzz/*_fuzz.cpp))

# nginx lives where only root looks for programs.
export PATH := $(PATH):/usr/sbin:/sbin

CONFIGURE = cmake -S . -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHERALD_WERROR=$(WERROR)
# Integration tests mostly wait: twice as many at a time as there are cores keep these busy.
PROVE     = prove -It/lib --timer -j $$((2 * $(JOBS)))
FORMATTED = $(shell git ls-files '*.cpp' '*.hpp')

.PHONY: all build test test-unit test-t test-sanitized test-browser demo bench bench-full soak fuzz check clean
.PHONY: deps deps-demo deps-test deps-check deps-bench build-tests build-sanitized

all: build

deps:
	@./deps.sh build
deps-demo:
	@./deps.sh build demo
deps-test:
	@./deps.sh build test
deps-check:
	@./deps.sh build test check
deps-bench:
	@./deps.sh build test bench

build: deps
	$(CONFIGURE) -B $(BUILD)
	cmake --build $(BUILD) -j $(JOBS)

build-tests: deps-test
	$(CONFIGURE) -B $(BUILD) -DHERALD_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS)

# By clang, which also warns of other things than g++ does and knows libFuzzer. It makes unit tests too, to run them sanitized.
build-sanitized: deps-test
	CC=clang CXX=clang++ $(CONFIGURE) -B $(BUILD)-sanitized -DHERALD_SANITIZE=ON -DHERALD_TESTS=ON -DHERALD_FUZZ=ON \
	    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG"
	cmake --build $(BUILD)-sanitized -j $(JOBS)

test: test-unit test-browser test-sanitized test-t

test-unit: build-tests
	ctest --test-dir $(BUILD) --output-on-failure --timeout 300 -j $(JOBS)

test-t: build-tests
	HERALD_BUILD=$(BUILD) $(PROVE) t

test-sanitized: build-sanitized
	for tests in module sidecar; do \
	    seq 0 $$(($(JOBS) - 1)) | GTEST_TOTAL_SHARDS=$(JOBS) xargs -P $(JOBS) -I {} env GTEST_SHARD_INDEX={} \
	        timeout 600 $(BUILD)-sanitized/tests/unit/herald_$${tests}_tests --gtest_brief=1 || exit 1; \
	done
	HERALD_BUILD=$(BUILD)-sanitized HERALD_SANITIZE=1 $(PROVE) t

test-browser: build-tests
	cd tests/browser && npm ci --silent
	cd tests/browser && HERALD_BUILD=$(abspath $(BUILD)) node --test

demo: deps-demo build
	@HERALD_BUILD=$(abspath $(BUILD)) demo/run

# Debian's Python, which has the packages that deps.sh installs.
bench: deps-bench build-tests
	/usr/bin/python3 tests/bench/run.py --build $(BUILD) $(BENCH)

bench-full: deps-bench build-tests
	/usr/bin/python3 tests/bench/run.py --build $(BUILD) --full $(BENCH)

soak: build-tests
	$(BUILD)/tests/fault/herald_ring_fault $(SOAK)

fuzz: build-sanitized
	printf '%s\n' $(FUZZERS) | xargs -P $(JOBS) -I {} tests/fuzz/run $(BUILD)-sanitized/tests/fuzz/{}_fuzz $(FUZZ_SECONDS)

check: deps-check
	clang-format --dry-run --Werror $(FORMATTED)
	$(MAKE) build-sanitized WERROR=ON

clean:
	rm -rf build build-* tests/browser/node_modules
