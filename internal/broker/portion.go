package broker

// A packet of many filters is handled as if each had come alone [MQTT-3.8.4-5], a portion at a time: by the apply goroutine
// for what is the node's own affair, and in a transaction of its own for the rest. So those who wait for the stream wait for
// one portion, and not for the largest packet.
const (
	portionFilters = 256
	portionBytes   = 64 << 10 // of the filters, and up to one filter more
)

// portion counts what belongs to it.
type portion struct{ filters, bytes int }

// takes tells whether a filter belongs to the portion, and counts it.
func (p *portion) takes(filter string) bool {
	if p.filters == portionFilters || p.bytes >= portionBytes {
		return false
	}
	p.filters++
	p.bytes += len(filter)
	return true
}

// portions cuts places of filters in a packet.
func portions(places []int, filter func(place int) string) (list [][]int) {
	var now portion
	begin := 0
	for i, place := range places {
		if f := filter(place); !now.takes(f) {
			list = append(list, places[begin:i])
			begin, now = i, portion{}
			now.takes(f)
		}
	}
	if begin < len(places) {
		list = append(list, places[begin:])
	}
	return list
}
