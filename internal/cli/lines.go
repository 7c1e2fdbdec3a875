package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
	"hppsend/writer"
)

// lines writes JSON lines for machines, on standard output. Unknown fields are to be ignored by those
// who read them; ours are only added to. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func newLines(out io.Writer) *lines { return &lines{enc: writer.NewEncoder(out)} }

func (l *lines) write(v any) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enc.Encode(v) // a reader that has gone must not end the run
}

// Write writes a row; it implements pipeline.Sink.
func (l *lines) Write(row pipeline.Row, out pipeline.Outcome) error {
	l.write(writer.Line(row, out.Session, out))
	return nil
}

func (l *lines) fail(err error) {
	l.write(struct {
		Type    string   `json:"type"`
		Message string   `json:"message"`
		Hint    string   `json:"hint,omitempty"`
		Stack   []string `json:"stack,omitempty"`
	}{"error", err.Error(), pipeline.Hint(err), pipeline.Stack(err)})
}

func (l *lines) notice(code, text string) {
	l.write(struct {
		Type string    `json:"type"`
		Code string    `json:"code"`
		Text string    `json:"text"`
		Time time.Time `json:"time"`
	}{"notice", code, text, time.Now().UTC()})
}

func (l *lines) progress(file string, p pipeline.Progress) {
	rate := p.Rate
	if math.IsInf(rate, 1) {
		rate = 0 // JSON has no infinity
	}
	l.write(struct {
		Type      string `json:"type"`
		File      string `json:"file"`
		Due       int    `json:"due"`
		Done      int    `json:"done"`
		Delivered int    `json:"delivered"`
		Rejected  int    `json:"rejected"`
		Failed    int    `json:"failed"`
		Uncertain int    `json:"uncertain"`
		InFlight  int    `json:"in_flight"`
		Retrying  int    `json:"retrying"`

		Rate    float64 `json:"rate,omitempty"`
		Waiting string  `json:"waiting,omitempty"`
	}{"progress", file, p.Due, p.Done(), p.Delivered, p.Rejected, p.Failed, p.Uncertain, p.InFlight, p.Retrying, rate, p.Waiting})
}

// summary is the last line of a file, and of a run over several.
type summary struct {
	Type     string `json:"type"`
	Run      string `json:"run,omitempty"`
	File     string `json:"file"` // empty in the summary over several
	Files    int    `json:"files,omitempty"`
	Label    string `json:"label,omitempty"`
	Reminder string `json:"reminder,omitempty"`
	Target   string `json:"target,omitempty"`
	Report   string `json:"report,omitempty"`
	Rejects  string `json:"rejects,omitempty"`
	counts
	Codes     map[string]int      `json:"codes,omitempty"`
	Overrides []campaign.Override `json:"overrides,omitempty"`
	Started   *time.Time          `json:"started,omitempty"`
	Ended     *time.Time          `json:"ended,omitempty"`
	Exit      int                 `json:"exit"`

	Approval *campaign.Approval `json:"approval,omitempty"`
}

// counts are the rows of a file, or of several, by status.
type counts struct {
	Rows      int `json:"rows"`
	Delivered int `json:"delivered"`
	SentNow   int `json:"sent_now"`
	Rejected  int `json:"rejected"`
	Failed    int `json:"failed"`
	Uncertain int `json:"uncertain"`
	Skipped   int `json:"skipped"`
	Pending   int `json:"pending"`
}

func countsOf(t pipeline.Tally) counts {
	return counts{
		Rows: t.Rows, SentNow: t.SentNow,
		Delivered: t.Status[pipeline.Delivered], Rejected: t.Status[pipeline.Rejected],
		Failed: t.Status[pipeline.Failed], Uncertain: t.Status[pipeline.Uncertain],
		Skipped: t.Status[pipeline.Skipped], Pending: t.Status[pipeline.Pending],
	}
}

// String puts them in a line: "4 rows: 3 delivered, 1 rejected, 3 sent by this run".
func (c counts) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		name string
	}{
		{c.Delivered, "delivered"},
		{c.Rejected, "rejected"},
		{c.Failed, "failed"},
		{c.Uncertain, "uncertain"},
		{c.Skipped, "skipped"},
		{c.Pending, "pending"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	parts = append(parts, fmt.Sprintf("%d sent by this run", c.SentNow))
	return rows(c.Rows) + ": " + strings.Join(parts, ", ")
}

func summaryOf(file string, t pipeline.Tally) summary {
	s := summary{Type: "summary", File: file, counts: countsOf(t), Codes: map[string]int{}}
	for _, g := range t.Groups {
		if g.Code != "" {
			s.Codes[g.Code] += g.Rows
		}
	}
	return s
}
