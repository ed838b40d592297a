"""An endpoint asked once in each form in which stages will ask it."""
