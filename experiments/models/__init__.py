"""Networks, one a file; the norm is an argument of each."""
