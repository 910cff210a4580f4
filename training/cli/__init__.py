"""What every command shares: flags, errors in one line, WAV files that grow."""
