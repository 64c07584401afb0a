"""The page at the emulator's root: for people who watch their program meet the service.

It shows tasks, uploads and requests as they come, and has a switch for each fault. What it does
itself is no request to the service: nothing of it is noted, limited or struck by a fault.
"""
