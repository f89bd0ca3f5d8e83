package node

import "github.com/foxmq/foxmq/internal/replica"

// Withdraw takes a CONNECT back, if it is in no event yet. Its place in the waiting queue stays, empty, until it
// comes to the front or empty places are many.
func (p *pool) Withdraw(token replica.Token) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	place, ok := p.withdrawals[token]
	if !ok {
		return false
	}
	delete(p.withdrawals, token)
	t := p.waiting.at(place)
	p.bytes -= t.cost()
	p.room.give(int64(t.cost()))
	*t = transaction{}
	p.withdrawn++
	if p.withdrawn > 64+p.waiting.len()/2 {
		p.compact()
	}
	return true
}

// skipWithdrawn drops what was withdrawn from the front of the waiting queue. The caller holds mu.
func (p *pool) skipWithdrawn() {
	for p.waiting.len() > 0 && p.waiting.front().command == nil {
		p.waiting.pop()
		p.withdrawn--
	}
}

// compact makes the waiting queue anew without the empty places. The caller holds mu.
func (p *pool) compact() {
	var kept queue
	for place := p.waiting.begin(); place < p.waiting.end(); place++ {
		t := p.waiting.at(place)
		if t.command == nil {
			continue
		}
		if at, ok := p.withdrawals[t.token]; ok && at == place {
			p.withdrawals[t.token] = kept.end()
		}
		kept.push(*t)
	}
	p.waiting, p.withdrawn = kept, 0
}
