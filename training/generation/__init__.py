"""Generation that outlives its process: streams whose state can be kept, and the files that grow meanwhile.

May import cli and scoring. Commands import rooms, and no room a command.
"""
