"""Seconds and memory, beside an opponent where there is one."""
