"""What the programs in `ci/` do. Each program is a command line over one of these modules."""
