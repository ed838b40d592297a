"""What files of other people's judgments say, without a study: the statistics behind `polyglot judgments`."""
