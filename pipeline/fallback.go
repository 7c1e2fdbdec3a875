package pipeline

import "fmt"

// namesContact reports whether a code of HPP's refuses a contact for what it is, so that another contact of the row may be
// taken. What may be the session's fault, or that of how it is sent, is not among them.
func namesContact(code string) bool {
	switch code {
	case "UNSUPPORTED_COUNTRY", "MISSING_CONTACT_DATA", "CONSTRAINT_VIOLATION":
		return true
	}
	return false
}

// alternative gives the distribution to the contact that the method of a row does not use; its Contact is empty when
// there is none that is readable.
func (d Defaults) alternative(row Row, used Distribution) (alt Distribution) {
	switch used.Method {
	case SMS:
		if address, err := row.address(); err == nil {
			alt = Distribution{Session: used.Session, Method: Email, Contact: address.Text}
		}
	case Email:
		if phone, country, err := d.phone(row.Fields); err == nil {
			alt = Distribution{Session: used.Session, Method: SMS, Contact: phone.E164, Country: country}
		}
	}
	if alt.Contact != "" {
		alt.Other = used.Contact
	}
	return alt
}

// refused gives the record of a refusal of the row's own contact for what it is.
func (r Rules) refused(it item, records []Record) (Record, bool) {
	for _, rec := range records {
		if rec.Status == Rejected && it.matches(rec) && namesContact(rec.Code) {
			return rec, true
		}
	}
	return Record{}, false
}

// instead gives the row as its other contact is sent to, where HPP has refused the first for what it is.
func (r Rules) instead(it item, records []Record) (item, bool) {
	if !r.Fallback || it.alt.Contact == "" {
		return it, false
	}
	if _, ok := r.refused(it, records); !ok {
		return it, false
	}
	it.Distribution, it.alt = it.alt, Distribution{}
	it.contact, it.other = it.other, it.contact
	return it, true
}

// turned gives the row as its other contact is sent to, where the first was refused in a way that binds, or by this run.
func (r Rules) turned(it item, records []Record, own Ticket) (item, bool) {
	if _, binds := r.refusal(it, records, own); !binds {
		if rec, ok := r.refused(it, records); !ok || r.Run == "" || rec.Run != r.Run {
			return it, false
		}
	}
	return r.instead(it, records)
}

// bothTried tells of the first attempt in the outcome of a row whose second contact was tried.
func (r Rules) bothTried(it item, records []Record, out *Outcome) {
	rec, ok := r.refused(it, records)
	if !ok || out.SentTo == "" || out.SentTo == it.Contact {
		return
	}
	first := fmt.Sprintf("by %s HPP had refused it (%s)", rec.Method, rec.Code)
	if out.Note != "" {
		first += "; " + out.Note
	}
	out.Note = first
}

// fallBack turns a row to its other contact where the answer refuses the first for what it is, and gives what follows.
func (j *job) fallBack(r Result) action {
	a := &j.attempt
	if r.Made != a.Distribution { // the first was refused in an earlier run
		a.Distribution, a.Fallback = r.Made, Distribution{}
	}
	if r.Reply.Verdict != Refused || !namesContact(r.Reply.Code) || a.Fallback.Contact == "" {
		return r.action
	}
	a.Distribution, a.Fallback, j.calls = a.Fallback, Distribution{}, 0
	return action{Pending, afterRefusal}
}
