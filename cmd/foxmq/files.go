package main

import "go.uber.org/zap"

// ownFiles is how many files a node may need beside those of its clients' connections: its store's, and the admin
// listener's connections.
const ownFiles = 256

// connectionLimit returns how many connections a node takes that may take so many: no more than it can open files for.
// At start Go has raised the process's limit as far as the system lets it.
func connectionLimit(wanted int, log *zap.Logger) int {
	files, bounded := fileLimit()
	if !bounded {
		return wanted
	}
	affordable := min(wanted, connectionsWith(files))
	if affordable < wanted {
		log.Info("the system's limit of open files (ulimit -n) leaves room for fewer connections than are allowed",
			zap.Int("files", files), zap.Int("allowed", wanted), zap.Int("connections", affordable))
	}
	return affordable
}

// connectionsWith returns for how many connections so many files are enough.
func connectionsWith(files int) int { return max(1, files-min(ownFiles, files/2)) }
