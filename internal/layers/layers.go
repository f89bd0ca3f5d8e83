// Package layers holds the test of the import direction: which room of the house may know which.
// docs/architecture.md shows the rooms.
package layers
