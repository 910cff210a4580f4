"""Judges of speech, the recordings they judge, and tables of what they say."""
