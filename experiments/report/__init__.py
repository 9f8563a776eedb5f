"""What runs say together: statistics, tables, plots, one page. It loads no JAX."""
