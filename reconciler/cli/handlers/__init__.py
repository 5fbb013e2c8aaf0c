"""What a command does that takes more than its own module: each is imported when its command runs."""
