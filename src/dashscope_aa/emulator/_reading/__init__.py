"""How the emulator reads pictures and clips, on its own and safely."""
