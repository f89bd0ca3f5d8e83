package replica

// interner remembers topics that were seen and found valid lately, so that a topic that is published to over and
// over is neither allocated nor checked again. What it remembers changes no result. The zero value and nil are
// ready for use; nil remembers nothing.
type interner struct {
	slots [internSlots]string
}

const (
	internSlots  = 1 << 11
	internLength = 256 // bytes; longer topics are not worth a place
)

// lookup returns the remembered string that equals b.
func (t *interner) lookup(b []byte) (string, bool) {
	if t == nil || len(b) == 0 || len(b) > internLength {
		return "", false
	}
	s := t.slots[slot(b)]
	return s, s == string(b)
}

// keep remembers s in the place of whatever had the same slot.
func (t *interner) keep(s string) {
	if t == nil || len(s) == 0 || len(s) > internLength {
		return
	}
	t.slots[slot(s)] = s
}

// slot hashes with FNV-1a. Whoever makes topics collide only loses the saving.
func slot[T string | []byte](b T) uint32 {
	h := uint32(2166136261)
	for i := range len(b) {
		h = (h ^ uint32(b[i])) * 16777619
	}
	return (h ^ h>>16) % internSlots
}
