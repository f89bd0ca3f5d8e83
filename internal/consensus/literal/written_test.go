package literal_test

// forks, in the last byte of a step, lets its member go on from an older event than its latest.
const forks = 4

// written are graphs whose bytes a person wrote down, as FromBytes explains them.
func written() [][]byte {
	textbook := []byte{3, 0, 0}
	alone := []byte{0, 1 << 2, 0}
	silent := []byte{3, 1 << 2, 0}
	forker := []byte{3, 0, 0x33}
	liars := []byte{6, 2 << 2, 0x25}
	for row := range byte(20) {
		alone = append(alone, 0, 0, 0, 0, row, 0)
		for m := range byte(4) {
			before := byte(1)<<m - 1 // those who made their event of this row already
			textbook = append(textbook, 0, 0, before, 0, 0, 0)
			lie := byte(0)
			if row%3 == 2 {
				lie = forks
			}
			forker = append(forker, 0, 0, before, 0, 0, lie)
		}
		for m := range byte(3) {
			skip := m / 2 // d passes over c
			silent = append(silent, skip, 0, byte(1)<<m-1, 0, 0, 0)
		}
		for m := range byte(7) {
			late := row * m % 16 << 4
			liars = append(liars, late, 0, 1<<(row%7), row%3|row%8<<3|1<<6, row, (row+m)%16|m<<4)
		}
	}
	return [][]byte{nil, textbook, alone, silent, forker, liars, divided(), late(), seven()}
}

// divided is testdata/coin.txt, with the same coins.
func divided() []byte {
	data := []byte{3, 0, 0}
	rows := [][4]byte{{}, {0b0010, 0b1100, 0b1010, 0b0110}}
	for range 9 {
		rows = append(rows, [4]byte{0b1000, 0b1001, 0b0010, 0b0110}, [4]byte{0b0010, 0b1101, 0b1000, 0b0111})
	}
	coins := map[int][4]byte{8: {6, 0, 4, 1}}
	for row, others := range rows {
		for m, mask := range others {
			data = append(data, 0, ^mask, 1<<m-1, 0, coins[row][m], 0)
		}
	}
	return data
}

// late is testdata/late.txt, played on.
func late() []byte {
	const d = 1 << 3
	data := []byte{3, 0, 0x33}
	for row := 1; row <= 14; row++ {
		silent := row > 3 && row != 8
		for m := range byte(3) {
			skip, without := byte(0), byte(d)
			if m == 0 && row > 4 && row != 9 {
				skip = 1 // d, who said nothing in the row before
			}
			if row <= 3 || row == 5 && m == 0 || row >= 9 {
				without = 0
			}
			data = append(data, skip, without, 1<<m-1, 0, 0, 0)
		}
		if row == 8 {
			data = append(data, 0, 0, 0b0111, 5, 0, forks) // from d2, on the second events of the others
		} else if !silent {
			data = append(data, 0, 0, 0b0111, 0, 0, 0)
		}
	}
	return data
}

// seven is testdata/seven.txt, played on.
func seven() []byte {
	const f = 5
	data := []byte{6, 0, f<<4 | f}
	for row := range byte(14) {
		for m := range byte(6) {
			skip, older := byte(0), byte(1)<<m-1
			if m == 0 && row > 0 {
				skip = 1 // g
			}
			if row == 3 && m < 3 {
				older |= 1 << f // for f3; the latest is f3'
			}
			data = append(data, skip, 0, older, 0, 0, 0)
		}
		if row == 2 {
			data = append(data, 6, 0, 1<<f-1, 0, 0, forks)
		}
	}
	return data
}
