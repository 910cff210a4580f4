"""What every command shares: flags, errors in one line, files that are whole or absent.

May import no other room. Commands import rooms, and no room a command.
"""
