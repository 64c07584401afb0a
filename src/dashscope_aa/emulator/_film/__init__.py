"""The films the emulator makes: real ones, marked as emulated."""
