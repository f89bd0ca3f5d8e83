// Package tomlfile reads the project's TOML files strictly: a key that nobody asked for is an error, and every
// error names the file and the line.
package tomlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Error is what is wrong in a file, and where.
type Error struct {
	File string
	Line int // 1-based; 0 if it is not about one line
	Err  error
}

// Error says file:line: what.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns what is wrong, without the place.
func (e *Error) Unwrap() error { return e.Err }

// Decode decodes data, the content of the file of that name, into v. Its errors are of type *Error.
func Decode(file string, data []byte, v any) error {
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(v)
	if err == nil {
		return nil
	}
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(missing.Errors) > 0 {
		first := &missing.Errors[0]
		line, _ := first.Position()
		return &Error{File: file, Line: line, Err: fmt.Errorf("unknown key %q", strings.Join(first.Key(), "."))}
	}
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := at.Position()
		return &Error{File: file, Line: line, Err: errors.New(describe(at))}
	}
	return &Error{File: file, Err: err}
}

// describe leaves the names of Go types out of a message.
func describe(err *toml.DecodeError) string {
	text := strings.TrimPrefix(err.Error(), "toml: ")
	if rest, ok := strings.CutPrefix(text, "cannot decode TOML "); ok {
		kind, _, _ := strings.Cut(rest, " ")
		return fmt.Sprintf("%q cannot be of the type %s", strings.Join(err.Key(), "."), kind)
	}
	return text
}
