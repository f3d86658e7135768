"""The teaching console: pages that show a class what happens."""
