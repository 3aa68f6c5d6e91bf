"""The commands, one file each; `netwhy.cli` chooses one and imports only that."""
