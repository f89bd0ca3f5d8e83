package main

func fileLimit() (files int, bounded bool) { return 0, false }
