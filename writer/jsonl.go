package writer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// RowLine is one row as a JSON line, in a report and in what the command line prints for machines.
// schema.json describes it. Every field but Note is always there; what is unknown is empty or 0.
type RowLine struct {
	Type          string `json:"type"` // always "row"
	File          string `json:"file"`
	Sheet         string `json:"sheet"`
	Row           int    `json:"row"`
	Session       string `json:"session"`
	Status        string `json:"status"`
	Code          string `json:"code"`
	Reason        string `json:"reason"`
	Method        string `json:"method"`
	SentTo        string `json:"sent_to"` // masked
	HTTPStatus    int    `json:"http_status"`
	Attempts      int    `json:"attempts"`
	CorrelationID string `json:"correlation_id"`
	Time          string `json:"time"` // RFC 3339, UTC
	Note          string `json:"note,omitempty"`
}

// Line gives the JSON line of a row whose session is known.
func Line(row pipeline.Row, session string, out pipeline.Outcome) RowLine {
	l := RowLine{
		Type: "row", File: row.File, Sheet: row.Sheet, Row: row.Row, Session: session,
		Status: string(out.Status), Code: out.Code, Reason: out.Reason, Method: string(out.Method),
		HTTPStatus: out.HTTPStatus, Attempts: out.Attempts, CorrelationID: out.CorrelationID,
		Time: timestamp(out.Time), Note: out.Note,
	}
	if out.SentTo != "" {
		l.SentTo = contact.Mask(out.SentTo)
	}
	return l
}

// MarshalJSON also escapes the control and direction characters that JSON lets through, since lines
// are read on terminals too.
func (l RowLine) MarshalJSON() ([]byte, error) {
	type plain RowLine
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plain(l)); err != nil {
		return nil, err
	}
	var out []byte
	for _, r := range b.String() { // beyond ASCII there is nothing but the text of strings
		switch {
		case r < 0x7f || !unicode.In(r, unicode.Cc, unicode.Cf):
			out = append(out, string(r)...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out, nil
}

// jsonReport writes one JSON line a row.
type jsonReport struct{ enc *json.Encoder }

func newJSONL(w io.Writer) jsonReport {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return jsonReport{enc}
}

func (j jsonReport) write(row pipeline.Row, out pipeline.Outcome) error {
	return j.enc.Encode(Line(row, out.Session, out))
}

func (j jsonReport) close() error { return nil }
