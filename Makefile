# Every target is one cargo call or one script of scripts/, which can also be run by hand.
PREFIX ?= /usr/local
.PHONY: build demo test check header bench install fuzz stress torture clean

build:            ## libcolib.so, libcolib.a in target/release
	@scripts/build.sh

demo: build       ## a hundred blocking clients, first one after another, then as coroutines
	@scripts/demo.sh

test: build       ## unit, interface, client and differential tests
	@scripts/test.sh

check:            ## format, lints, docs, import order, header drift, exported symbols
	@scripts/check.sh

header:           ## regenerate include/co_routine.h from src/capi
	@cargo run -q -p header

bench: build      ## ratios against peers, measured in one run; ROWS="switch echo" for some rows, QUICK=1 for a short run
	@benches/run.sh $(if $(QUICK),--quick) $(ROWS)

fuzz: build       ## hooks against their system calls with arguments by chance, for two minutes
	@scripts/fuzz.sh

stress: build     ## the slow suites: long randomised runs, sanitizers at length
	@scripts/stress.sh

torture: build    ## threads as coroutines: locks, conditions, joins, cancellations, forks, on 1, 2 and 4 kernel threads
	@scripts/torture.sh

releases:         ## the tests on Debian 13, Ubuntu 22.04, 24.04 and 26.04, in roots that it makes; RELEASES="noble" for one
	@scripts/releases.sh $(RELEASES)

install: build    ## library, headers to $(PREFIX)
	@PREFIX=$(PREFIX) scripts/install.sh

clean:
	@cargo clean
