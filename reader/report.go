package reader

import (
	"slices"
	"strings"
	"time"

	"hppsend/pipeline"
)

// reportColumns are the columns that a report of ours adds.
var reportColumns = []string{
	"hpp_row", "hpp_status", "hpp_code", "hpp_reason", "hpp_method", "hpp_sent_to", "hpp_http_status",
	"hpp_attempts", "hpp_correlation_id", "hpp_time", "hpp_target", "hpp_run", "hpp_note",
	"hpp_raw",
}

// reportHeader gives where the columns of a report of ours are, or nil when it is none.
func reportHeader(names []string) map[string]int {
	at := map[string]int{}
	for _, c := range reportColumns {
		if i := slices.Index(names, c); i >= 0 {
			at[c] = i
		}
	}
	_, status := at["hpp_status"]
	_, run := at["hpp_run"]
	if !status || !run {
		return nil
	}
	return at
}

// unguard takes off the apostrophes that a CSV report has before what is like a formula, at the beginning
// of a cell and after whatever could end one.
func unguard(cell string) string {
	if strings.IndexByte(cell, '\'') < 0 {
		return cell
	}
	cell = strings.TrimPrefix(cell, "'")
	var b strings.Builder
	for {
		at := strings.IndexAny(cell, ",;\t|^\r\n") + 1
		b.WriteString(cell[:at])
		if at == 0 {
			b.WriteString(cell)
			return b.String()
		}
		cell = strings.TrimPrefix(cell[at:], "'")
	}
}

// prior reads what the report says of a row.
func prior(hpp map[string]int, cells []pipeline.Cell) pipeline.Prior {
	get := func(name string) string {
		if i, ok := hpp[name]; ok {
			return strings.TrimSpace(cells[i].Text)
		}
		return ""
	}
	status := pipeline.Status(get("hpp_status"))
	if !slices.Contains(pipeline.Statuses(), status) && status != pipeline.NotSent {
		return pipeline.Prior{}
	}
	p := pipeline.Prior{Status: status, Code: get("hpp_code"), Target: get("hpp_target"), Run: get("hpp_run")}
	if t, err := time.Parse(time.RFC3339, get("hpp_time")); err == nil {
		p.Time = t
	}
	return p
}
