"""What each command does: the grid of runs, and published runs trained again."""
