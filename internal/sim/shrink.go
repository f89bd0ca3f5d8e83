package sim

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strings"
)

// Try runs a scenario like World.Run, and takes a panic for a failure.
func Try(s Scenario) (r Result, failure *Failure) {
	w := New(s)
	defer func() {
		if p := recover(); p != nil {
			w.check.fail(NoPanic, "%v%s", p, place())
			failure = w.check.failure
		}
	}()
	return w.Run()
}

// place tells in which functions of the project a panic came about, the innermost first.
func place() string {
	var b strings.Builder
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	for {
		f, more := frames.Next()
		if name := path.Base(f.Function); !strings.HasPrefix(f.Function, "runtime.") {
			fmt.Fprintf(&b, "\n    %s, %s:%d", name, path.Base(f.File), f.Line)
		}
		if !more || strings.HasSuffix(f.Function, "World).Run") {
			return b.String()
		}
	}
}

// ShrinkRuns is how many runs are worth a smaller scenario.
const ShrinkRuns = 200

// Shrink looks for a simpler scenario that breaks the same invariant, in at most so many runs. It returns the
// simplest one found, which may be the one given, and how that fails.
func Shrink(s Scenario, f *Failure, runs int) (Scenario, *Failure) {
	for simpler := true; simpler; {
		simpler = false
		for _, c := range s.simpler() {
			if runs--; runs < 0 {
				return s, f
			}
			if _, g := Try(c); g != nil && g.Invariant == f.Invariant {
				s, f, simpler = c, g, true
				break
			}
		}
	}
	return s, f
}

// simpler returns scenarios with one thing less in them each, those that take most away first.
func (s *Scenario) simpler() []Scenario {
	var list []Scenario
	add := func(c Scenario) {
		if c.String() != s.String() && (c.sound() || !s.sound()) {
			list = append(list, c)
		}
	}
	for _, rounds := range []uint64{s.Rounds / 4, s.Rounds / 2, s.Rounds - 1} {
		c := *s
		c.Rounds = max(1, rounds)
		add(c)
	}
	for _, members := range []int{4, s.Members - 3, s.Members - 1} {
		if members < s.Members && members > 0 {
			add(s.Resized(members))
		}
	}
	s.fields(func(name string, v reflect.Value) {
		for _, less := range lesser(name, v) {
			c := *s
			c.fields(func(n string, v reflect.Value) {
				if n == name {
					v.Set(less)
				}
			})
			add(c)
		}
	})
	return list
}

// lesser returns the values to try for a field instead of its own.
func lesser(name string, v reflect.Value) []reflect.Value {
	var list []reflect.Value
	add := func(x any) { list = append(list, reflect.ValueOf(x).Convert(v.Type())) }
	switch name {
	case "seed", "kind", "mutation", "drivermutation", "members", "rounds", "delay", "safety", "scheme":
		return nil
	case "gap": // less load
		if v.Int() < maxGap {
			add(2 * v.Int())
		}
		return list
	}
	if !v.IsZero() {
		list = append(list, reflect.Zero(v.Type()))
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		if v.Int() > 1 {
			add(v.Int() / 2)
		}
	case reflect.Float64:
		if v.Float() > 0.01 {
			add(v.Float() / 2)
		}
	}
	return list
}

// maxGap bounds how rare transactions become in a simpler scenario, in ns.
const maxGap = 1e9

// faulty is how many members are not correct, or never come back.
func (s *Scenario) faulty() int { return s.liars() + s.Stopped + s.Dead }

// sound reports whether not more members are faulty than may be.
func (s *Scenario) sound() bool { return s.faulty() <= faults(s.Members) }

// Resized returns the scenario with another number of members, of which not more are faulty than may be.
func (s Scenario) Resized(members int) Scenario {
	s.Members = members
	s.fields(func(name string, v reflect.Value) {
		switch name {
		case "twins", "puppets", "schemers", "stopped", "dead":
			if over := s.faulty() - faults(members); over > 0 {
				v.SetInt(max(0, v.Int()-int64(over)))
			}
		}
	})
	return s
}

// Report tells all that is known of a failed scenario: what broke, where, and the one command to watch it, after
// shrinking.
func Report(s Scenario, f *Failure) string {
	small, g := Shrink(s, f, ShrinkRuns)
	return fmt.Sprintf("%v\n  found by seed %d of kind %s: %s\n  broken in small: %v\n  watch it with: "+
		"make sim-watch REPLAY='%s'", f, s.Seed, s.Kind, s, g, small)
}
