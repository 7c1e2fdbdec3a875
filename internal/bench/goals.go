package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// goal is a figure that is wanted, and what it is.
type goal struct {
	what, reach string
	value       float64
	form        string // of the value
	met         bool
}

// goals compares what was measured with what is wanted. What was not measured is left out.
func goals(r *results, c config) (out []goal) {
	add := func(what, reach, form string, value float64, met bool) {
		out = append(out, goal{what, reach, value, form, met})
	}
	// seconds is the time of a row of each; ok only when all were measured.
	seconds := func(names ...string) (per []float64, ok bool) {
		for _, n := range names {
			s, _, known := r.median(n)
			if !known || s.Rows == 0 {
				return nil, false
			}
			per = append(per, s.Elapsed.Seconds()/float64(s.Rows))
		}
		return per, true
	}
	if t, ok := seconds(bareLoop, sendPass, sendAll); ok {
		add("send pass, share of the bare loop's rate", "0.80", "%.2f", t[0]/t[1], t[0]/t[1] >= 0.8)
		add("run end to end, share of the bare loop's rate", "0.80", "%.2f", t[0]/t[2], t[0]/t[2] >= 0.8)
		add("run end to end, rows/s", "5000", "%.0f", 1/t[2], 1/t[2] >= 5000)
	}
	if t, ok := seconds(checkName("hppsend check", csvInput), checkName("encoding-csv", csvInput), checkName("contacts", csvInput)); ok {
		most := 3*t[1] + t[2]
		add("check of CSV, share of 3 x encoding/csv and the contact work", "1.00", "%.2f", t[0]/most, t[0] <= most)
	}
	for _, kind := range []string{inlineInput, sharedInput} {
		if t, ok := seconds(checkName("read", kind), checkName("excelize", kind), checkName("scan", kind)); ok {
			add("reading of "+kind+", times faster than excelize.Rows", "5.0", "%.1f", t[1]/t[0], t[1]/t[0] >= 5)
			add("reading of "+kind+", times the bound", "2.0", "%.1f", t[0]/t[2], t[0]/t[2] <= 2)
		}
	}
	if t, ok := seconds(reportCSV, plainCSV); ok {
		add("report CSV, times the library's writing", "1.30", "%.2f", t[0]/t[1], t[0]/t[1] <= 1.3)
	}
	if t, ok := seconds(reportXLSX, plainXLSX, quickXLSX); ok {
		add("report XLSX, times the library's writing", "1.30", "%.2f", t[0]/t[1], t[0]/t[1] <= 1.3)
		add("report XLSX, times the library's at the same compression", "1.30", "%.2f", t[0]/t[2], t[0]/t[2] <= 1.3)
	}
	for _, g := range []struct {
		kind string
		most float64
	}{{csvInput, 160}, {sharedInput, 350}} {
		large, _, ok := r.median(memoryName(g.kind, c.rows))
		if !ok || large.Peak == 0 {
			continue
		}
		add(memoryName(g.kind, c.rows)+", MB", fmt.Sprint(g.most), "%.0f", float64(large.Peak)/1e6, float64(large.Peak)/1e6 <= g.most)
	}
	for _, g := range []struct {
		name string
		most time.Duration
	}{{startCall, 150 * time.Millisecond}, {resumed(c.rows), 30 * time.Second}} {
		if s, _, ok := r.median(g.name); ok {
			add(g.name+", s", fmt.Sprint(g.most.Seconds()), "%.2f", s.Elapsed.Seconds(), s.Elapsed <= g.most)
		}
	}
	return out
}

// printGoals prints them as a table.
func printGoals(w io.Writer, r *results, c config) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ngoal\treach\tmeasured\t")
	for _, g := range goals(r, c) {
		verdict := "met"
		if !g.met {
			verdict = "missed"
		}
		fmt.Fprintf(t, "%s\t%s\t"+g.form+"\t%s\n", g.what, g.reach, g.value, verdict)
	}
	t.Flush()
}
