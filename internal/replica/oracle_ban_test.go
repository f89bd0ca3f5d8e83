package replica_test

import (
	"math"
	"slices"

	"github.com/foxmq/foxmq/internal/replica"
)

func (o *oracle) ban(node int, c *replica.Ban) (outcome string) {
	others := slices.DeleteFunc(slices.Clone(o.bans), func(b *replica.BanEntry) bool { return b.BanTarget == c.Target })
	if len(others) == scriptLimits.Bans {
		return "full"
	}
	b := &replica.BanEntry{BanTarget: c.Target, Until: math.MaxInt64, Reason: c.Reason, Node: node, Index: o.index}
	if c.Seconds > 0 {
		b.Until = o.now + int64(c.Seconds)*second
	}
	o.bans = append(others, b)
	o.effects += "  banned " + showBan(b) + "\n"
	return "applied"
}

func (o *oracle) unban(target replica.BanTarget) (outcome string) {
	for i, b := range o.bans {
		if b.BanTarget == target {
			o.bans = slices.Delete(o.bans, i, i+1)
			o.effects += "  unbanned " + showBan(b) + "\n"
			return "applied"
		}
	}
	return "unknown"
}

// expireBans lifts those whose time has come, the earliest first.
func (o *oracle) expireBans() {
	for {
		var first *replica.BanEntry
		for _, b := range o.bans {
			if b.Until <= o.now && (first == nil || b.Until < first.Until) {
				first = b
			}
		}
		if first == nil {
			return
		}
		o.unban(first.BanTarget)
	}
}
