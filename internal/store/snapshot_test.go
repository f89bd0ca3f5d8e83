package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestViewStaysAsItIs(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.View(); !errors.Is(err, ErrNoCheckpoint) {
		t.Fatalf("a view of nothing: %v", err)
	}
	changes := map[string][]byte{}
	for i := range 2000 {
		changes[fmt.Sprintf("%04d", i)] = make([]byte, 1000)
	}
	checkpoint(t, s, "base 1", "meta 1", changes)
	v, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for n := range 20 { // the file grows many times over
		for key := range changes {
			changes[key] = fmt.Appendf(nil, "%01000d", n)
		}
		checkpoint(t, s, fmt.Sprint("base ", n+2), "meta", changes)
	}
	if string(v.Base) != "base 1" || string(v.Meta) != "meta 1" || v.Count != 2000 {
		t.Fatalf("view of %q, %q, %d records", v.Base, v.Meta, v.Count)
	}
	if n := readAll(t, v, make([]byte, 1000)); n != 2000 {
		t.Fatalf("%d records", n)
	}
}

// readAll reads a view a hundred records at a time, as it is streamed to a peer.
func readAll(t *testing.T, v *View, want []byte) (n int) {
	t.Helper()
	enough := errors.New("enough")
	var last []byte
	for {
		got := 0
		err := v.Records(last, func(key, value []byte) error {
			if got == 100 {
				return enough
			}
			if string(key) != fmt.Sprintf("%04d", n) || string(value) != string(want) {
				t.Fatalf("record %d is %q: %.20q", n, key, value)
			}
			last = append([]byte(nil), key...)
			got++
			n++
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			t.Fatal(err)
		}
		if err == nil {
			return n
		}
	}
}

// TestEverythingAtOnce lets views, a scrub and an import read and write beside appends and commits.
func TestEverythingAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	changes := map[string][]byte{}
	for i := range 500 {
		changes[fmt.Sprintf("%04d", i)] = make([]byte, 1000)
	}
	checkpoint(t, s, "base", "meta", changes)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error { return untilEnd(ctx, func() error { return viewIsOfOneMoment(s) }) })
	g.Go(func() error { return untilEnd(ctx, func() error { return importAll(s) }) })
	g.Go(func() error {
		return untilEnd(ctx, func() error {
			report, err := s.Scrub(context.Background(), 0)
			s.Stats()
			return errors.Join(err, report.Err)
		})
	})
	for n := range 30 {
		for key := range changes {
			changes[key] = fmt.Appendf(nil, "%01000d", n)
		}
		put(t, s, "one", "two")
		checkpoint(t, s, "base", "meta", changes)
	}
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func untilEnd(ctx context.Context, f func() error) error {
	for ctx.Err() == nil {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// viewIsOfOneMoment wants all records to have the same value.
func viewIsOfOneMoment(s *Store) error {
	v, err := s.View()
	if err != nil {
		return err
	}
	defer v.Close()
	var first []byte
	return v.Records(nil, func(_, value []byte) error {
		if first == nil {
			first = bytes.Clone(value)
		}
		if !bytes.Equal(value, first) {
			return fmt.Errorf("one value is %.20q, another %.20q", first, value)
		}
		return nil
	})
}

// importAll fetches what a view has.
func importAll(s *Store) error {
	i, err := s.NewImport([]byte("A"))
	if err != nil {
		return err
	}
	v, err := s.View()
	if err != nil {
		return errors.Join(err, i.Discard())
	}
	defer v.Close()
	err = v.Records(nil, i.Add)
	if _, n := i.Progress(); err == nil && n != v.Count {
		err = fmt.Errorf("%d records of %d", n, v.Count)
	}
	return errors.Join(err, i.Discard())
}
