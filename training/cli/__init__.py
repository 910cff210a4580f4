"""What every command shares: flags, errors in one line, WAV files that grow.

May import no other room. Commands import rooms, and no room a command.
"""
