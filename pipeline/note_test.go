package pipeline

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// A row that is sent in spite of a remark carries it, in every outcome that sending may have; one that
// stays back has its reason, and no note.
func TestNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noted := func(row Row, remarks ...string) Row {
			for _, r := range remarks {
				row.Notes = append(row.Notes, Finding{Code: "remark", Reason: r})
			}
			return row
		}
		odd := Row{Fields: Fields{Session: "odd-1d-x9", Email: mail(1)}}
		mailTo := func(session, address string) Row { return Row{Fields: Fields{Session: session, Email: address}} }
		broken := noted(byMail(7), "a remark")
		broken.Faults = []Finding{{Code: "ragged_row", Reason: "too many cells"}}
		list := sheet(
			byMail(1),
			noted(byMail(2), "one", "two"),
			noted(byMail(3), "of one that HPP refuses"),
			noted(byMail(4), "of one that stays unclear"),
			noted(byMail(5), "it would be "+mail(5)+" otherwise"),
			noted(byMail(10), "of the reader"),
			noted(mailTo(id(6), "nobody"), "a remark"),
			broken,
			noted(byMail(2), "of a repeat"),
			noted(mailTo("", mail(8)), "a remark"),
			noted(byMail(9), "of one that was not reached"),
		)
		c := newCampaign(t, bySession(map[string][]Reply{id(3): {badValue}, id(4): {noAnswer}}))
		c.cfg.Concurrency, c.cfg.Limit = 1, 6
		first := c.runAndReport(t, list)
		notes := func(r result) (out []string) {
			for _, o := range r.reports[0] {
				out = append(out, short(o)+": "+o.Note)
			}
			return out
		}
		want := []string{
			"delivered: ",
			"delivered: one; two",
			"rejected/BAD_VALUE: of one that HPP refuses",
			"uncertain/no_clear_answer: of one that stays unclear",
			"delivered: it would be p•••@e•••.com otherwise",
			"delivered: of the reader",
			"rejected/bad_email: ",
			"rejected/ragged_row: ",
			"skipped/duplicate_session: ",
			"rejected/missing_session: ",
			"pending/limit_reached: of one that was not reached",
		}
		if diff := cmp.Diff(want, notes(first)); diff != "" {
			t.Error(diff)
		}
		if got := notes(c.again("run-2").runAndReport(t, list)); got[1] != "delivered/already_delivered: one; two" {
			t.Errorf("in a later run: %s", got[1])
		}
		alone := c.again("run-4").runAndReport(t, sheet(noted(odd, "of the reader")))
		if got := notes(alone); got[0] != "delivered: of the reader; the session id is not a UUID, as every known one is" {
			t.Errorf("of an odd id: %s", got[0])
		}
		// The session went to somebody else: what is remarked on this row did not travel.
		other := c.again("run-3").runAndReport(t, sheet(noted(mailTo(id(1), mail(99)), "a remark")))
		if got := notes(other); got[0] != "skipped/session_already_delivered: " {
			t.Errorf("of another contact: %s", got[0])
		}
	})
}
