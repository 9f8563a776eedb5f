"""What is asked for: recipes, arms and options, checked before anything is done."""
