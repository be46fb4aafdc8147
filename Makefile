# Two commands are all that most people need: `make demo` and `make test`. Each does its own set-up.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup system lint generated floor unit engine integration sanity docs quick test fuzz sweep vm emulated test-vm demo demo-clean bench cycles clean
MAKEFLAGS += --no-print-directory

# The tree, under the name by which Ansible knows a collection.
link := .build/collections/ansible_collections/slipway/oci
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export ANSIBLE_LOCALHOST_WARNING := false
export ANSIBLE_INVENTORY_UNPARSED_WARNING := false
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Ansible refuses to start where the locale is not UTF-8, as in many a CI.
export LC_ALL := C.UTF-8

timed := tests/timed

help:            ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/test.stamp $(link)                         ## Python packages, pinned, in .venv
system: setup                                           ## system packages (as root), through role slipway.oci.host
	@$(timed) system ansible-playbook tests/setup.yml

lint: setup                                             ## ruff, mypy, yamllint, ansible-lint, changelog fragments, spelling, prose
	@$(timed) lint tests/lint
sanity: setup                                           ## ansible-test sanity, whole
	@$(timed) sanity tests/sanity/run
docs: setup                                             ## what users read, as a site: .build/docs/html; a warning fails
	@$(timed) docs tests/docs/run
floor: setup                                            ## the unit tests on Python 3.9, the oldest for a host
	@$(timed) floor tests/floor
unit: setup                                             ## does it decide right? (needs no root)
	pytest tests/unit
engine: setup system                                    ## does the kernel do what we think? (root)
	pytest tests/engine
integration: setup system                               ## does a playbook see it right? (root)
	pytest tests/integration
generated: setup                                        ## what is written from tables and sources: options, pictures, troubleshooting, changelog
	PYTHONPATH=.build/collections python tests/support/optiondocs.py
	python tests/docs/pictures.py docs
	python tests/docs/troubleshooting.py docs
	tests/docs/changelog .
vm: setup system                                        ## does a host with systemd keep its word? (root; Debian) The tests marked ci
	@$(MAKE) emulated
emulated:
	@$(timed) vm pytest tests/vm -m ci
test: setup system                                      ## all of it; ends with pytest's closing lines
	@$(MAKE) --jobs=2 --output-sync=target quick emulated
	RUNTIMES=one SECONDS_BY_PART=.build/seconds pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=40 \
	    tests/integration tests/engine/lifecycle
# What one processor does as long as the other emulates a machine.
quick:
	@$(timed) lint tests/lint
	@$(timed) docs tests/docs/run
	@$(timed) floor tests/floor
	@$(timed) sanity tests/sanity/run
	@$(timed) demo tests/demo/run
	@tests/demo/clean
	@$(timed) unit pytest tests/unit
	@$(timed) fuzz pytest tests/fuzz
	@$(timed) mechanisms pytest tests/engine --ignore=tests/engine/lifecycle

test-vm: setup                                          ## the same, all tests: a QEMU machine driven over SSH
	ansible-playbook tests/setup.yml --tags vm
	pytest tests/vm
fuzz: setup system                                      ## a million mutated inputs at each edge (hours); EDGES="archive log" for some
	python tests/fuzz/campaign.py 1000000 $(EDGES)
sweep: setup system                                     ## kill each verb at every change that it makes (an hour)
	tests/sweep

demo: .venv/run.stamp $(link)                           ## run a container on this machine, and a play inside of it (as root)
	@mkdir -p .build && { ansible-playbook tests/setup.yml --tags demo > .build/demo-setup.log 2>&1 || { cat .build/demo-setup.log; false; }; }
	@tests/demo/run
demo-clean: .venv/run.stamp $(link)                     ## remove all that the demo made
	@tests/demo/clean
bench: setup system                                     ## this engine beside conmon, cp, podman and ping
	@tests/bench/run

cycles: setup system                                    ## 1,000 lives, 10,000 execs, a gibibyte: what leaks, what slows down
	SLIPWAY_CYCLES=1000 SLIPWAY_EXECS=10000 SLIPWAY_INSTANTS=50 SLIPWAY_COMMANDS=1000 SLIPWAY_LARGE_MIB=1024 SLIPWAY_NETWORKED=200 \
	    pytest tests/engine/lifecycle/container/test_cycles.py tests/engine/lifecycle/container/test_kill.py \
	    tests/engine/lifecycle/wiring/test_at_once.py \
	    tests/integration/test_connection_many.py tests/integration/test_connection_files.py

clean:                                                  ## remove what these verbs built in the tree
	rm -rf .venv .build .ansible .mypy_cache .pytest_cache .ruff_cache

.venv/bin/pip: requirements/venv
	requirements/venv
.venv/%.stamp: .venv/bin/pip requirements/run.txt requirements/%.txt
	.venv/bin/pip install --quiet --requirement requirements/$*.txt
	@touch $@
$(link):
	@mkdir -p $(@D) && ln -sfn ../../../.. $@
