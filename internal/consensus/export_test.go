package consensus

// Vertices returns how many vertices were ever in use at once.
func (e *Engine) Vertices() int { return len(e.vertices) }

// Held returns how many events the engine knows.
func (e *Engine) Held() int { return len(e.held) }
