"""Where an emulator keeps datasets and objects."""
