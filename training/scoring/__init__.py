"""What evaluation finds, what a model must beat, and pictures of sound.

May import no other room. Commands import rooms, and no room a command.
"""
