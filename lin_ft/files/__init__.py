"""The bottom layer: files written whole or not at all, the cache folder, progress, configuration files."""
