"""Wrong files and requests, made from good ones, and what takes them in."""
