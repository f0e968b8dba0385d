"""The room of commands, one file each; the only one that prints for a person."""
