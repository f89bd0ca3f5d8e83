package node

// source is the pool as the driver sees it: empty while the applier lags behind.
type source struct{ node *Node }

// Waiting implements driver.Source.
func (s source) Waiting() bool {
	return s.node.backlog.Bytes() < softBacklog && s.node.pool.Waiting()
}

// Fill implements driver.Source.
func (s source) Fill(dst []byte, incarnation uint64, limit int) []byte {
	if s.node.backlog.Bytes() >= softBacklog {
		return dst
	}
	return s.node.pool.Fill(dst, incarnation, limit)
}
