package ledger

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// People put contacts into the names of files and sheets, into labels, and into the names of columns that
// --map has. What the ledger keeps of such names is for people, and no judgement depends on it, so that it
// keeps them masked. The reminder is a part of the key and stays as it is: it must hold none.

// masked is a run as the ledger keeps it.
func (r RunInfo) masked() RunInfo {
	r.Label, r.Path, r.Sheet = contact.MaskAll(r.Label), contact.MaskAll(r.Path), contact.MaskAll(r.Sheet)
	r.Options = maskedJSON(r.Options)
	lists := slices.Clone(r.Lists)
	for i := range lists {
		lists[i].Name = contact.MaskAll(lists[i].Name)
	}
	r.Lists = lists
	return r
}

// listed is how the suppression lists of a run are kept.
func listed(all []pipeline.KeptList) string {
	if len(all) == 0 {
		return ""
	}
	doc, _ := json.Marshal(all) // texts and numbers, which cannot fail
	return string(doc)
}

// sheet is the sheet of a row as the ledger keeps it; the last one is remembered, since rows come by sheets.
func (r *Run) sheet(p pipeline.Place) string {
	if p.Sheet != r.lastSheet {
		r.lastSheet, r.lastMasked = p.Sheet, contact.MaskAll(p.Sheet)
	}
	return r.lastMasked
}

// Masked is a JSON document with the contacts in its texts masked, as the ledger keeps such.
func Masked(doc json.RawMessage) json.RawMessage { return maskedJSON(doc) }

// maskedJSON masks the texts in a document.
func maskedJSON(doc json.RawMessage) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return doc
	}
	out, err := json.Marshal(maskedValue(v))
	if err != nil {
		return doc
	}
	return out
}

func maskedValue(v any) any {
	switch v := v.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return v
		}
		return contact.MaskAll(v)
	case []any:
		for i := range v {
			v[i] = maskedValue(v[i])
		}
	case map[string]any:
		for key, value := range v {
			v[key] = maskedValue(value)
		}
	}
	return v
}
