# make demo    the whole system on this machine: broker, worker, board and a simulated contact centre
# make test    everything there is to test; installs what that needs
# make check   style, types, layers: seconds
# make quick   unit, property and pipeline tests, a few simulations, laws on few examples: no servers, under a minute
# make sim     simulates the engine under faults, SEEDS=1000 runs from FIRST=0 on; SEED=7 prints each step of one
# make bench   events per second beside peers on one real Kafka; make bench ONLY=engine,worker,bare EVENTS=1000000 ROUNDS=1 is quick
# make bench-scale  what 10 thousand to 10 million events a second would take; many sources through the real merge
# make bench-restart  how soon a worker is ready that left OPEN interactions open, and its memory; DISK=intake,journey,merge for state on disk
# make bench-journey CUSTOMERS=100000,10000000  journey with so many customers in RocksDB: rate, memory, disk, start; no server
# make bench-ingest  pushes that `streams ingest` takes a second, and what it does while Kafka stands still; five minutes
# make bench-freshness  from an event to the board's stream, at 1,000, 10,000 and 50,000 events a second
# make bench-detect  rarity on series of the Numenta Anomaly Benchmark, scored as that is; a minute, no server
# make bench-detect-simulation  false alarms and delays of detection on simulated series, beside its budget; some minutes, no server
# make bench-forecast  errors and bands of forecasts on the bank's calls, beside simple ones; two minutes
# make bench-backtest  alerts, injected incidents and forecasts on the bank's February, for three budgets; some twenty minutes, no server
# make bench-contribution  whether alerts name their cause, in simulations; two minutes
# make bench-growth  processor time per event against series, open interactions and cuts; writes tests/bench/pictures/growth.png
# make faults  every fault on real Kafka, half an hour; a table of faults and invariants in .cache/faults.md
# make soak    MINUTES=60 RATE=2000: a steady load, a worker killed each minute, exact figures, memory watched
# make dashboards  writes the Grafana dashboards from deploy/grafana/dashboards.py
#
# Steps that took place leave a stamp file in .venv and are repeated only when what they depend on changes.

.DELETE_ON_ERROR:
.SILENT:
.PHONY: help demo test check quick sim bench bench-backtest bench-contribution bench-detect bench-detect-simulation bench-forecast bench-freshness bench-growth bench-ingest bench-journey faults soak bench-restart dashboards constraints kafka clean

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := .github/constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable

# The first that is new enough; 3.11 before others, because the versions in $(CONSTRAINTS) are tested with it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# make soak MINUTES=15 RATE=1000
MINUTES ?= 60
RATE ?= 2000

# make demo DATA=calls.csv FORMAT=bank1999
DATA ?=
FORMAT ?=

help:
	sed -n 's/^# make /make /p' Makefile

demo: $(VENV)/demo.stamp
	exec $(BIN)/streams demo $(if $(DATA),--data '$(DATA)') $(if $(FORMAT),--format '$(FORMAT)')

test: $(VENV)/dev.stamp
	tests/install.sh
	$(MAKE) --no-print-directory kafka check
	# On both cores what needs no server (worksteal: or one of two gets the long ones and goes on alone for half of the time), then
	# what does: two files at a time, each with servers of its own. Last, with nothing beside it, what measures times or takes the
	# whole machine.
	status=0; \
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not integration and not long' --ignore=tests/test_tidy.py || status=$$?; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'integration and not alone and not long' --durations=15 || status=$$?; \
	$(BIN)/python -m pytest -m 'alone and not long' --durations=15 || status=$$?; \
	exit $$status

check: $(VENV)/dev.stamp
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	mkdir -p .cache
	$(BIN)/lint-imports >.cache/lint-imports.log 2>&1 || { cat .cache/lint-imports.log; exit 1; }
	$(BIN)/python -m pytest tests/test_tidy.py

quick: $(VENV)/dev.stamp
	QUICK=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m 'not integration and not thorough' $(wildcard tests/unit tests/property tests/pipeline tests/simulation)

SEED ?=
SEEDS ?= 1000
FIRST ?= 0

sim: $(VENV)/dev.stamp
	PYTHONPATH=tests $(BIN)/python -m simulation.run $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST))

# Contestants (all by default), events for the fastest of them, turns of each.
ONLY ?=
EVENTS ?= 4000000
ROUNDS ?= 3
PARTITIONS ?= 4
RATES ?= 1000,10000,50000

COMMA := ,
BENCH := .cache/bench
TAKING_PART := $(if $(ONLY),$(subst $(COMMA), ,$(ONLY)),quix bytewax kafka)
PEERS := $(addprefix $(BENCH)/,$(addsuffix .stamp,$(filter quix bytewax,$(TAKING_PART)) $(if $(filter kafka%,$(TAKING_PART)),kafka_streams)))

bench: $(VENV)/dev.stamp kafka $(PEERS)
	PYTHONPATH=tests:. $(BIN)/python -m bench --only '$(ONLY)' --events $(EVENTS) --rounds $(ROUNDS) --partitions $(PARTITIONS)

OPEN ?= 1000000

bench-restart: $(VENV)/dev.stamp kafka
	$(BIN)/python tests/bench/restart.py $(OPEN) '$(DISK)'

bench-forecast: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.forecast

# Every kind of incident once on each day.
BACKTEST_ROUNDS ?= 5
FEBRUARY := ../shared/data/anonymous_bank_feb1999/data_anonymous_bank_february.txt

bench-backtest: $(VENV)/dev.stamp
	mkdir -p $(BENCH)
	STREAMS_MERGE_TIME_ZONE=Asia/Jerusalem $(BIN)/streams backtest $(FEBRUARY) --format bank1999 --rounds $(BACKTEST_ROUNDS) \
	  --budget 0.2 --budget 1 --budget 5 --html $(BENCH)/backtest.html

bench-contribution: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.contribution

bench-detect: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.nab

bench-detect-simulation: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.detect_simulation

bench-growth: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.growth

CUSTOMERS ?= 100000,1000000

bench-journey: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.journey_disk --customers '$(CUSTOMERS)'

bench-ingest: $(VENV)/dev.stamp kafka
	PYTHONPATH=tests:. $(BIN)/python -m bench.pushes

bench-freshness: $(VENV)/dev.stamp kafka
	PYTHONPATH=tests:. $(BIN)/python -m bench.freshness --rates '$(RATES)'

$(BENCH)/quix.stamp $(BENCH)/bytewax.stamp: $(BENCH)/%.stamp: tests/bench/peers.txt
	echo 'installing $* for the benchmark …'
	$(PYTHON) -m venv --clear $(BENCH)/$*
	$(BENCH)/$*/bin/python -m pip install --quiet --disable-pip-version-check --constraint $< confluent-kafka msgspec $(patsubst quix,quixstreams,$*)
	touch $@

$(BENCH)/kafka_streams.stamp: tests/bench/kafka_streams/pom.xml $(wildcard tests/bench/kafka_streams/src/main/java/bench/*.java)
	echo 'building Kafka Streams for the benchmark …'
	mvn --quiet --batch-mode --file $< compile dependency:copy-dependencies
	touch $@

faults: $(VENV)/dev.stamp kafka
	tests/install.sh faults
	$(BIN)/python -m pytest -m 'long or not long' tests/faults

soak: $(VENV)/dev.stamp kafka
	$(BIN)/python tests/soak.py --minutes $(MINUTES) --rate $(RATE)

bench-scale: $(VENV)/dev.stamp
	PYTHONPATH=tests:. $(BIN)/python -m bench.scale

dashboards: $(VENV)/dev.stamp
	$(BIN)/python deploy/grafana/dashboards.py

# What is installed now becomes what everyone gets.
constraints: $(VENV)/dev.stamp
	{ sed '/^[^#]/d' $(CONSTRAINTS); $(BIN)/python -m pip freeze --exclude-editable; } > $(CONSTRAINTS).new
	mv $(CONSTRAINTS).new $(CONSTRAINTS)

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The same folder and the same mark as deploy/kafka/kafka.sh.
kafka: .cache/kafka/complete

.cache/kafka/complete: deploy/kafka/pom.xml
	echo 'fetching Kafka by Maven …'
	rm -rf .cache/kafka
	mvn --quiet --batch-mode --file $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory='$(CURDIR)/.cache/kafka'
	touch $@

$(VENV)/venv.stamp:
	test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed and not on PATH; or say make … PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { echo 'On Debian: apt-get install python3-venv' >&2; exit 1; }
	touch $@

$(VENV)/demo.stamp: $(VENV)/venv.stamp pyproject.toml $(CONSTRAINTS)
	echo 'installing …'
	$(INSTALL) '.[demo]'
	touch $@

$(VENV)/dev.stamp: $(VENV)/venv.stamp pyproject.toml $(CONSTRAINTS)
	echo 'installing, with what developers need …'
	$(INSTALL) '.[demo,dev]'
	touch $@ $(VENV)/demo.stamp
