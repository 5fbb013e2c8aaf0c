"""One module a command: `run(args) -> int` reads as what the command promises."""
