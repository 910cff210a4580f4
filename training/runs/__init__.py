"""A training run: its configuration, its folder, and what happens while it trains."""
