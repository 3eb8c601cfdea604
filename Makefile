# For Linux (and macOS, without the rehearsal). On Windows: see the README, which needs no make.
# Every target installs what it needs, says what it does, and may be repeated.

VENV := .venv
BIN := $(VENV)/bin
REHEARSE := $(BIN)/python -m rehearsal
LAB := -f labs/rehearsal.yaml
export PATH := $(CURDIR)/$(BIN):$(PATH)
.DEFAULT_GOAL := help
.PHONY: help venv check coverage test test-windows test-windows-briefly test-kubernetes test-without-powershell lint format benchmark measure pcs rehearse rehearse-down clean \
	acceptance-boot acceptance-cluster acceptance-labs acceptance-line acceptance-nfs

help: ## Say what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

venv: ## Make or update the virtual environment.
	@scripts/dev/venv.sh $(VENV)

check: venv ## Look at what is being written: ruff, mypy, the layers, unit tests and their coverage (a minute and a half).
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory coverage

coverage: venv ## Run the unit tests, and fail where they reach less of labkit and tasks than pyproject.toml asks (a minute).
	@$(BIN)/python -m pytest --quiet --numprocesses=auto --cov --cov-report= --cov-fail-under=0 tests/unit
	@covered=$$($(BIN)/coverage report --format=total) && echo "the unit tests reach $$covered % of labkit and tasks" || \
	  { $(BIN)/coverage report; exit 1; }

# More workers than processors: the one that has the rehearsal mostly waits (tests/sharing.py), and so do the PCs' scripts.
test: venv ## Run every test (half an hour on two cores); what a machine cannot run is skipped with its reason.
	@echo "==> every test: half an hour on two cores, most of it one rehearsal; for everyday work: make check" >&2
	@scripts/dev/test-packages.sh
	@$(BIN)/python -m pytest --numprocesses=$$(( $$(getconf _NPROCESSORS_ONLN) + 2 ))

test-windows: venv ## Run unit and contract tests on a real Windows Python, under Wine (Debian as root installs it).
	@scripts/dev/windows-tests.sh

test-windows-briefly: venv ## Of test-windows what differs most between systems: code pages, paths, Ctrl-C, locks (two minutes).
	@scripts/dev/windows-tests.sh --most-different

test-kubernetes: venv ## Hold the stand-in kubeadm and API server against a real one: LAB_KUBERNETES_BIN=FOLDER (4 minutes; docs/proof.md).
	@$(BIN)/python -m pytest rehearsal/tests/contracts/kubernetes rehearsal/tests/integration/kubernetes_api

# LAB_PWSH names no program: the PCs of the room then answer scripts by their JSON contracts, as on a newcomer's machine.
test-without-powershell: venv ## Rebuild, look and leave in a room whose PCs have no PowerShell (root, 6 minutes).
	@scripts/dev/test-packages.sh
	@LAB_PWSH=none $(BIN)/python -m pytest tests/rehearsal/test_rebuild.py tests/rehearsal/test_consent.py tests/rehearsal/test_host.py

lint: venv ## Run every linter.
	@scripts/dev/lint.sh

format: venv ## Put Python and Bash into the house's format.
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format --quiet .
	@$(BIN)/shfmt -w -i 2 -ci -sr scripts

benchmark: venv ## Time create, status and destroy of up to 60 machines on slow stand-in hosts (half a minute).
	@$(BIN)/python -m benchmarks.hosts

rehearse: venv ## Rebuild the whole lab on this machine, without Windows (Debian 12, root).
	@$(REHEARSE) up
	@$(REHEARSE) exec -- $(BIN)/inv $(LAB) hyperv.trust --host pc1 --fingerprint "$$($(REHEARSE) fingerprint pc1)"
	@LAB_ASSUME_YES=lab-7e57 $(REHEARSE) exec -- $(BIN)/inv $(LAB) lab.rebuild
	@$(REHEARSE) exec -- kubectl --kubeconfig .lab/7e57/kubeconfig get nodes -o wide
	@$(REHEARSE) exec -- $(BIN)/inv $(LAB) lab.report

rehearse-down: venv ## Remove everything that the rehearsal made.
	@$(REHEARSE) down

# Too long for CI. Interrupted or failed, typed again they go on from there; reports/acceptance-*.xml is JUnit.
ACCEPT = LAB_ACCEPTANCE=1 $(BIN)/python -m pytest --junitxml=reports/$@.xml tests/acceptance

acceptance-boot: venv ## Boot with and without Secure Boot, tampered, unarmed, unknown; machines follow their files (root, 10 minutes).
	@$(ACCEPT)/test_firmware.py tests/acceptance/test_boot.py

acceptance-cluster: venv ## Replace, add and remove workers, reset, flannel, ten kinds of damage (root, 45 minutes).
	@$(ACCEPT)/test_cluster.py tests/acceptance/test_damage.py

acceptance-labs: venv ## Build the one-PC labs and the untagged one, live in them (root, 60 minutes).
	@$(ACCEPT)/test_labs.py

acceptance-line: venv ## Build the lab by its stages, then live in it (root, 30 minutes).
	@$(ACCEPT)/test_line.py

acceptance-nfs: venv ## Export and mount NFS between two QEMU guests (root, 1 minute).
	@$(ACCEPT)/test_nfs.py

pcs: venv ## Print the table of PCs: what is found on each described PC, and how to put it right (tests/pcs).
	@$(BIN)/python -m tests.pcs

measure: venv ## Say how large this checkout is, and whether its modules are free of circles (two minutes).
	@$(BIN)/python scripts/dev/measure.py

clean: ## Remove the virtual environment and caches (not .lab, which opens your lab).
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info reports
