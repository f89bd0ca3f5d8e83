package replica

import (
	"unicode/utf8"
)

// validClientID reports whether b is a UTF-8 string as MQTT allows it [MQTT-1.5.4-1] [MQTT-1.5.4-2], and not
// empty.
func validClientID(b []byte) bool {
	for _, c := range b {
		if c == 0 {
			return false
		}
	}
	return len(b) > 0 && utf8.Valid(b)
}
