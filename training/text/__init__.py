"""From text, labels and pitch to linguistic features.

May import cli. Commands import rooms, and no room a command.
"""
