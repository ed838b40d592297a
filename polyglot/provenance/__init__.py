"""Where numbers come from: what made them is run again, and two results are held beside each other."""
