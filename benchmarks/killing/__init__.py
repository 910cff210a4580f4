"""Processes that are killed, started again, and compared with unbroken ones."""
