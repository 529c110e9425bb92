"""The parts of an application: states, events, the order of booting, lifecycle, health, running as a program."""
