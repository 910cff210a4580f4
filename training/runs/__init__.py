"""A training run: its configuration, its folder, and what happens while it trains.

May import cli and scoring. Commands import rooms, and no room a command.
"""
