"""Between the program and whoever runs it: text, errors, signals, progress."""
