"""Random trouble under mixed load, and an account of every request: `cargo xtask chaos`."""
