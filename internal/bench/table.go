package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// results are the samples and figures of all parts, in the order in which they came first.
type results struct {
	names   []string
	samples map[string][]sample
	figures map[string]string // a figure that is not a sample, by name
}

// add adds a sample of what a name stands for.
func (r *results) add(name string, s sample) {
	r.enter(name)
	r.samples[name] = append(r.samples[name], s)
}

// figure sets a figure; a later one of the same name replaces it.
func (r *results) figure(name, format string, args ...any) {
	r.enter(name)
	r.figures[name] = fmt.Sprintf(format, args...)
}

func (r *results) enter(name string) {
	if r.samples == nil {
		r.samples, r.figures = map[string][]sample{}, map[string]string{}
	}
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

// median gives the sample of the median time and the peak of the median peak; ok is false when nothing
// was measured under the name. spread is what lies between the fastest and the slowest, as a share of
// the median.
func (r *results) median(name string) (s sample, spread float64, ok bool) {
	all := slices.Clone(r.samples[name])
	if len(all) == 0 {
		return s, 0, false
	}
	slices.SortFunc(all, func(a, b sample) int { return int(a.Peak - b.Peak) })
	peak := all[len(all)/2].Peak
	slices.SortFunc(all, func(a, b sample) int { return int(a.Elapsed - b.Elapsed) })
	s = all[len(all)/2]
	s.Peak = peak
	if s.Elapsed > 0 {
		spread = float64(all[len(all)-1].Elapsed-all[0].Elapsed) / float64(s.Elapsed)
	}
	return s, spread, true
}

// print prints a table of everything.
func (r *results) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\trows\ttime\tspread\trows/s\tCPU a row\tallocations a row\tpeak MB")
	for _, name := range r.names {
		s, spread, ok := r.median(name)
		if !ok {
			fmt.Fprintf(t, "%s\t%s\n", name, r.figures[name])
			continue
		}
		cells := []string{name, "", short(s.Elapsed), "", "", "", "", ""}
		if s.Elapsed > 0 {
			cells[3] = fmt.Sprintf("%.0f %%", 100*spread)
		}
		if rows := float64(s.Rows); rows > 1 && s.Elapsed > 0 {
			cells[1] = count(s.Rows)
			cells[4] = count(int(rows / s.Elapsed.Seconds()))
			if s.CPU > 0 {
				cells[5] = fmt.Sprintf("%.1f µs", s.CPU.Seconds()/rows*1e6)
			}
			if s.Allocs > 0 {
				cells[6] = fmt.Sprintf("%.1f, %.0f B", float64(s.Allocs)/rows, float64(s.Bytes)/rows)
			}
		}
		if s.Peak > 0 {
			cells[7] = fmt.Sprintf("%.0f", float64(s.Peak)/1e6)
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	t.Flush()
}

// short gives a duration in three or four digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// count gives a number with its thousands apart.
func count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
