package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Reference is the name of the target that the others' rates are compared with.
const Reference = "mosquitto"

// Report is what has been measured.
type Report struct {
	rows []*row
	idle *Idleness
}

// row is one line of the table: the runs of one workload against one target, by round.
type row struct {
	workload Workload
	target   string
	results  []Result
}

func (r *Report) add(w Workload, target string, round int, result Result) {
	if round == 0 {
		r.rows = append(r.rows, &row{workload: w, target: target})
	}
	row := r.find(w.Name, target)
	row.results = append(row.results, result)
}

func (r *Report) find(workload, target string) *row {
	for _, row := range r.rows {
		if row.workload.Name == workload && row.target == target {
			return row
		}
	}
	return nil
}

// Add puts the cost of doing nothing below the table.
func (r *Report) Add(i *Idleness) { r.idle = i }

// Results returns what the runs of a workload against a target have measured, by round.
func (r *Report) Results(workload, target string) []Result {
	if row := r.find(workload, target); row != nil {
		return row.results
	}
	return nil
}

// columns are the table's headings.
var columns = []string{
	"workload", "broker", "delivered/s", "× Mosquitto", "p50", "p99", "p999", "CPU s per 100,000", "remarks",
}

// Write writes the table, with medians of the rounds, for a terminal or as Markdown.
func (r *Report) Write(w io.Writer, markdown bool) error {
	table := [][]string{columns}
	last := ""
	for _, row := range r.rows {
		line := r.cells(row)
		if row.workload.Name == last {
			line[0] = ""
		}
		last = row.workload.Name
		table = append(table, line)
	}
	write := writePlain
	if markdown {
		write = writeMarkdown
	}
	if err := write(w, table); err != nil || r.idle == nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.idle)
	return err
}

func (r *Report) cells(row *row) []string {
	middle := func(f func(*Result) float64) float64 { return median(row.each(f)) }
	duration := func(f func(*Result) time.Duration) string {
		return shortTime(time.Duration(middle(func(r *Result) float64 { return float64(f(r)) })))
	}
	return []string{
		row.workload.Title,
		row.target,
		thousands(int(middle((*Result).Rate))),
		r.ratio(row),
		duration(func(r *Result) time.Duration { return r.P50 }),
		duration(func(r *Result) time.Duration { return r.P99 }),
		duration(func(r *Result) time.Duration { return r.P999 }),
		orDash(middle((*Result).Cost), 2),
		row.remarks(),
	}
}

// ratio returns the median of the rounds' ratios to the reference, each to that of the same round.
func (r *Report) ratio(row *row) string {
	reference := r.find(row.workload.Name, Reference)
	if reference == nil || row.workload.Rate > 0 {
		return "-"
	}
	var ratios []float64
	for i := range min(len(row.results), len(reference.results)) {
		if rate := reference.results[i].Rate(); rate > 0 {
			ratios = append(ratios, row.results[i].Rate()/rate)
		}
	}
	return orDash(median(ratios), 2)
}

func (r *row) each(f func(*Result) float64) []float64 {
	values := make([]float64, len(r.results))
	for i := range r.results {
		values[i] = f(&r.results[i])
	}
	return values
}

// remarks gathers the notes of the rounds.
func (r *row) remarks() string {
	var notes []string
	for i := range r.results {
		if note := r.results[i].Note; note != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return strings.Join(notes, "; ")
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return values[len(values)/2]
}

// orDash formats what is known.
func orDash(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// thousands formats n with a comma every three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shortTime formats a latency with three digits.
func shortTime(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return strconv.FormatFloat(d.Seconds()*1e3, 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'g', 3, 64) + " s"
}

func writePlain(w io.Writer, table [][]string) error {
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range table {
		if _, err := fmt.Fprintln(aligned, strings.Join(line, "\t")); err != nil {
			return err
		}
	}
	return aligned.Flush()
}

func writeMarkdown(w io.Writer, table [][]string) error {
	rule := make([]string, len(columns))
	for i := range rule {
		rule[i] = "---"
	}
	for _, line := range slices.Insert(table, 1, rule) {
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | ")); err != nil {
			return err
		}
	}
	return nil
}
