"""What every command shares: flags, errors in one line, files that are whole or absent."""
