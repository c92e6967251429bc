# make demo      record, replay, compare and query twelve sentences, live
# make test      set up what the tests need, build, run them
# make sanitize  the engine's tests under the thread sanitizer, recordings that are killed under the address sanitizer
# make crash     kill recordings, cut their power and damage histories, KILLS=240 CUTS=60 DAMAGES=100 times
# make fuzz      feed anything to the readers of files, RUNS=5000 inputs each, the same ones each time (SEED=1; SEED=0 for others)
# make install   PREFIX=/usr/local, DESTDIR=
# make bench     measure

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
KILLS ?= 240
CUTS ?= 60
DAMAGES ?= 100
RUNS ?= 5000
SEED ?= 1

bindir = $(DESTDIR)$(PREFIX)/bin
datadir = $(DESTDIR)$(PREFIX)/share

# A build of its own, so that installing does not disturb the one that is worked with.
dist = .build-install
binary = $(dist)/release/lockstep
sources = Package.swift $(shell find Sources migrations -type f)

.PHONY: build demo test sanitize crash fuzz release install uninstall bench clean

build:
	@.ci/setup.sh build
	$(SWIFT) build

demo:
	@.ci/setup.sh build demo
	$(SWIFT) build --product lockstep
	@samples/demo.sh "$$($(SWIFT) build --show-bin-path)/lockstep"

# One test at a time: those with real programs and real time would otherwise wait for the ones that compute.
test:
	@.ci/setup.sh build test
	@Tests/pipecat/setup.sh
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --no-parallel
	.venv/bin/python -W ignore Tests/pipecat/random_pipelines.py --count 300 \
	  --lockstep "$$($(SWIFT) build --show-bin-path)/lockstep"

# The engine's tests under the thread sanitizer, in a build of their own. It does not know Synchronization.Mutex, which others use.
sanitize:
	@.ci/setup.sh build
	LOCKSTEP_ENGINE_ONLY=1 $(SWIFT) build --build-tests --sanitize=thread --scratch-path .build-sanitize
	LOCKSTEP_ENGINE_ONLY=1 TSAN_OPTIONS=halt_on_error=1 \
	  $(SWIFT) test --skip-build --no-parallel --sanitize=thread --scratch-path .build-sanitize
	$(SWIFT) build --product crashes --sanitize=address --scratch-path .build-address
	ASAN_OPTIONS=detect_leaks=0 "$$($(SWIFT) build --show-bin-path --scratch-path .build-address)/crashes" kill --count 24 \
	  --lockstep "$$($(SWIFT) build --show-bin-path)/lockstep"
	ASAN_OPTIONS=detect_leaks=0 "$$($(SWIFT) build --show-bin-path --scratch-path .build-address)/crashes" power --count 12

# What is promised of crashes, losses of power and damage (docs/RELIABILITY.md): any number of them.
crash:
	@.ci/setup.sh build test
	$(SWIFT) build --product lockstep
	$(SWIFT) build --product crashes
	"$$($(SWIFT) build --show-bin-path)/crashes" kill --count $(KILLS)
	"$$($(SWIFT) build --show-bin-path)/crashes" power --count $(CUTS)
	$(SWIFT) build --build-tests
	LOCKSTEP_DAMAGES=$(DAMAGES) $(SWIFT) test --skip-build --no-parallel --filter DamageTests

# From the committed corpora, under the address sanitizer; Tests/Fuzzing/run.sh fuzzes for longer.
fuzz:
	@.ci/setup.sh build
	for target in DecoderFuzz StreamFuzz YAMLFuzz FramesFuzz SessionsFuzz HistoryFuzz; do \
	  Tests/Fuzzing/run.sh $$target $(RUNS) $(SEED) || exit 1; done

release: $(binary)

# One file with the Swift runtime inside: needs nothing but libsqlite3.
$(binary): $(sources)
	@.ci/setup.sh build
	$(SWIFT) build -c release --static-swift-stdlib -Xlinker -s --product lockstep --scratch-path $(dist)
	@touch $(binary)

# 'make release' and then 'sudo make install' builds as yourself and installs as root.
install: $(binary)
	install -d "$(bindir)" "$(datadir)/man/man1" "$(datadir)/bash-completion/completions" \
	  "$(datadir)/zsh/site-functions" "$(datadir)/fish/vendor_completions.d"
	install -m 755 $(binary) "$(bindir)/lockstep"
	install -m 644 docs/lockstep.1 "$(datadir)/man/man1/lockstep.1"
	$(binary) --generate-completion-script bash > "$(datadir)/bash-completion/completions/lockstep"
	$(binary) --generate-completion-script zsh > "$(datadir)/zsh/site-functions/_lockstep"
	$(binary) --generate-completion-script fish > "$(datadir)/fish/vendor_completions.d/lockstep.fish"

uninstall:
	rm -f "$(bindir)/lockstep" "$(datadir)/man/man1/lockstep.1" "$(datadir)/bash-completion/completions/lockstep" \
	  "$(datadir)/zsh/site-functions/_lockstep" "$(datadir)/fish/vendor_completions.d/lockstep.fish"

bench:
	@Benchmarks/bench.sh

clean:
	rm -rf .build .build-sanitize .build-address Tests/Fuzzing/.build $(dist)
