# For type checkers only; not in the wheel.
