# Everything on a fresh machine with a Rust toolchain: `make demo`, `make test`.

PLUGINS := examples/plugins

.PHONY: demo test lint bench peers soak v8

# Needs nothing but a Rust toolchain: see "Where V8 comes from" in the README.
v8:
	@scripts/provision-v8.sh

# One plugin works, one is hostile, the first one still works. That one was stopped makes the
# program end with 1, which is what is to be shown; anything else is a failure.
demo: v8
	cargo build --quiet
	@cargo run --quiet -- run $(PLUGINS)/table-of-contents $(PLUGINS)/endless-loop \
	  $(PLUGINS)/table-of-contents --hook render --args-file README.md --wall-time 1s --stats; \
	  status=$$?; test $$status -eq 1 && echo "As expected: the hostile plugin failed, alone."

test: v8
	cargo test --quiet

lint: v8
	cargo fmt --check
	cargo clippy --quiet --all-targets -- --deny warnings
	cargo clippy --quiet --lib --no-default-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --quiet --no-deps --document-private-items

# What the crate costs, beside its floors and beside others: docs/performance.md, anew. Half an
# hour on a machine that does nothing else. `cargo bench` has more, for whoever changes something.
bench: v8
	cargo bench --quiet --bench ratios | scripts/into-doc.sh ratios
	cargo bench --quiet --bench memory | scripts/into-doc.sh memory
	cargo bench --quiet --bench stop | scripts/into-doc.sh stop
	@$(MAKE) peers

# The same work on other engines and designs, and packages from npm. See benches/peers/README.md.
peers: v8
	benches/peers/npm/fetch.sh
	benches/peers/guest/make.sh
	cargo run --release --manifest-path benches/peers/Cargo.toml

# Minutes that the soak runs.
MINUTES := 60

soak: v8
	cargo run --release --example soak -- --minutes $(MINUTES)
