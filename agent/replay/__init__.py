"""Looking at recorded episodes again."""
