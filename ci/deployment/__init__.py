"""How a release comes into an environment, and out of it again."""
