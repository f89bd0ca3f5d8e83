//go:build !unix

package node_test

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 1 }
