package sim

import "github.com/foxmq/foxmq/internal/event"

// elections notes, for each round and candidate, how many rounds above it the voter stood that decided it. Where
// nodes learned of different voters first, the lowest counts.
type elections map[uint64]map[event.ID]int64

func (l elections) note(round uint64, candidate event.ID, distance int64) {
	if l[round] == nil {
		l[round] = make(map[event.ID]int64)
	}
	if before, known := l[round][candidate]; !known || distance < before {
		l[round][candidate] = distance
	}
}

// distances returns how many rounds had their last candidate decided at each distance.
func (l elections) distances() []int {
	var count []int
	for _, candidates := range l {
		last := int64(0)
		for _, d := range candidates {
			last = max(last, d)
		}
		for len(count) <= int(last) {
			count = append(count, 0)
		}
		count[last]++
	}
	return count
}
