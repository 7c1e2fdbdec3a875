package writer

import (
	"encoding/json"
	"io"

	"hppsend/internal/contact"
	"hppsend/internal/shown"
	"hppsend/pipeline"
)

// RowLine is one row as a JSON line, in a report and in what the command line prints for machines.
// schema.json describes it. Every field but Findings and Note is always there; what is unknown is empty or 0.
type RowLine struct {
	Type          string        `json:"type"` // always "row"
	File          string        `json:"file"`
	Sheet         string        `json:"sheet"`
	Row           int           `json:"row"`
	Session       string        `json:"session"`
	Status        string        `json:"status"`
	Code          string        `json:"code"`
	Reason        string        `json:"reason"`
	Method        string        `json:"method"`
	SentTo        string        `json:"sent_to"` // masked
	HTTPStatus    int           `json:"http_status"`
	Attempts      int           `json:"attempts"`
	CorrelationID string        `json:"correlation_id"`
	Time          string        `json:"time"` // RFC 3339, UTC
	Findings      []FindingLine `json:"findings,omitempty"`
	Note          string        `json:"note,omitempty"`
}

// FindingLine is one thing that our own check found wrong with a row.
type FindingLine struct {
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// Line gives the JSON line of a row whose session is known.
func Line(row pipeline.Row, session string, out pipeline.Outcome) RowLine {
	l := RowLine{
		Type: "row", File: row.File, Sheet: row.Sheet, Row: row.Row, Session: session,
		Status: string(out.Status), Code: out.Code, Reason: out.Reason, Method: string(out.Method),
		HTTPStatus: out.HTTPStatus, Attempts: out.Attempts, CorrelationID: out.CorrelationID,
		Time: timestamp(out.Time), Note: out.Note,
	}
	for _, f := range out.Findings {
		l.Findings = append(l.Findings, FindingLine(f))
	}
	if out.SentTo != "" {
		l.SentTo = contact.Mask(out.SentTo)
	}
	return l
}

// NewEncoder gives an encoder of JSON lines, with what a terminal would obey, or not show, escaped.
func NewEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(shown.JSON(w))
	enc.SetEscapeHTML(false)
	return enc
}

// jsonReport writes one JSON line a row.
type jsonReport struct{ enc *json.Encoder }

func newJSONL(w io.Writer) jsonReport { return jsonReport{NewEncoder(w)} }

func (j jsonReport) write(row pipeline.Row, out pipeline.Outcome) error {
	return j.enc.Encode(Line(row, out.Session, out))
}

func (j jsonReport) close() error { return nil }
