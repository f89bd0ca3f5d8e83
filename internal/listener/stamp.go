package listener

import (
	"io/fs"
	"os"
	"slices"
)

// stamp is by what a file shows that it has changed; nil: it is not there.
type stamp struct{ fs.FileInfo }

func stamps(files []string) []stamp {
	all := make([]stamp, len(files))
	for i, file := range files {
		if info, err := os.Stat(file); err == nil {
			all[i].FileInfo = info
		}
	}
	return all
}

// same reports whether nothing has changed between two looks at the same files.
func same(a, b []stamp) bool { return slices.EqualFunc(a, b, stamp.same) }

func (s stamp) same(t stamp) bool {
	if s.FileInfo == nil || t.FileInfo == nil {
		return s.FileInfo == t.FileInfo
	}
	return os.SameFile(s.FileInfo, t.FileInfo) && s.ModTime().Equal(t.ModTime()) && s.Size() == t.Size()
}
