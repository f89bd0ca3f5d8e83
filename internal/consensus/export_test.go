package consensus

// Vertices returns how many vertices were ever in use at once.
func (e *Engine) Vertices() int { return len(e.vertices) }
