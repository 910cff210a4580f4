"""Time taken in a process of its own, and what it is compared with."""
