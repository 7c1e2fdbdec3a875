package desk_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
	"hppsend/reader"
)

// may is a list as finance has it: a phone number and an address that are none, a session that is missing, one that
// is there twice, and a name that looks like a formula.
var may = [][]string{
	{"session_id", "phone", "phone_country", "email", "name"},
	{session(1), "", "", "anna@example.com", "Anna"},
	{session(2), "12345", "SE", "", "Bo"},
	{session(3), "", "", "nobody", "Cleo"},
	{session(4), "", "", "dora@example.com", "=1+1"},
	{"", "", "", "eve@example.com", "Eve"},
	{session(1), "", "", "anna@example.com", "Anna once more"},
}

func asCSV(rows [][]string) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(row, ",") + "\n")
	}
	return b.String()
}

func asXLSX(t *testing.T, rows [][]string) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for r, row := range rows {
		for c, text := range row {
			at, _ := excelize.CoordinatesToCellName(c+1, r+1)
			if err := book.SetCellStr("Sheet1", at, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWholeWay takes a list through everything, as two people and in both formats, on a ledger in a file and on a server.
func TestWholeWay(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		for name, text := range map[string]string{"may.csv": asCSV(may), "may.xlsx": asXLSX(t, may)} {
			t.Run(name, func(t *testing.T) { wholeWay(t, newHouse(t), name, text) })
		}
	})
}

func wholeWay(t *testing.T, h *house, name, text string) {
	w := &way{t: t, h: h, anna: h.seat("anna", desk.Uploader), path: h.path(name)}
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.bring(name, text)
	w.mend()
	w.checkedSheetIsTheSame()
	w.send(h.seat("bo", desk.Approver))
	w.isKnown(name, text)
}

type way struct {
	t    *testing.T
	h    *house
	anna *desk.Seat
	path string
	u    *desk.Upload
}

func (w *way) bring(name, text string) {
	u, sheet := w.h.bring(w.anna, name, text)
	w.u = u
	if u.State != desk.Draft || u.Name != name || u.By != "Anna" || u.Size != int64(len(text)) {
		w.t.Errorf("%+v", u)
	}
	want := []desk.Problem{{"bad_phone", "phone", 1}, {"bad_email", "email", 1}, {"missing_session", "session_id", 1}}
	if diff := cmp.Diff(want, sheet.Problems); diff != "" {
		w.t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 4, 6}, rowsOf(sheet)); diff != "" {
		w.t.Errorf("rows with problems (-want +got):\n%s", diff)
	}
	if sheet.Rows != 6 || sheet.Due != 2 || sheet.Bad() != 3 || sheet.Status[pipeline.Skipped] != 1 || sheet.More != 0 {
		w.t.Errorf("%+v", sheet)
	}
}

func rowsOf(s *desk.Sheet) (rows []int) {
	for _, l := range s.Lines {
		rows = append(rows, l.Place.Row)
	}
	return rows
}

func (w *way) mend() {
	w.h.mend(w.anna, w.u, 3, 1, "+46701740605")
	sheet := w.h.mend(w.anna, w.u, 4, 3, "cleo@example.com")
	if diff := cmp.Diff([]desk.Problem{{"missing_session", "session_id", 1}}, sheet.Problems); diff != "" {
		w.t.Errorf("problems that are left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 4, 6}, rowsOf(sheet)); diff != "" {
		w.t.Errorf("mended rows stay in view (-want +got):\n%s", diff)
	}
	if want := map[pipeline.Channel]int{{Method: pipeline.SMS, Country: "SE"}: 1, {Method: pipeline.Email}: 3}; !maps.Equal(want, sheet.Messages) {
		w.t.Errorf("messages are %v", sheet.Messages)
	}
}

// checkedSheetIsTheSame downloads the sheet as it is mended: on the command line it would do what the upload does.
func (w *way) checkedSheetIsTheSame() {
	opt, _, err := w.anna.Account(north)
	if err != nil {
		w.t.Fatal(err)
	}
	plain := opt
	sheet := w.h.sheet(w.anna, w.u)
	opt.Upload = &campaign.Upload{ID: w.u.ID, SHA256: hex.EncodeToString(w.u.SHA256[:]), Mends: []reader.Mend{
		{Sheet: sheet.Input.Sheet, Row: 3, Column: 1, Text: "+46701740605"}, {Sheet: sheet.Input.Sheet, Row: 4, Column: 3, Text: "cleo@example.com"},
	}}
	ours, key := w.check(opt, w.path), campaign.PlanKey(w.h.cfg.Accounts[0].Ledger)
	approved, err := opt.Plan(north, key, ours)
	if err != nil {
		w.t.Fatal(err)
	}
	if digest := approved.Digest(); hex.EncodeToString(digest[:]) != sheet.Digest {
		w.t.Error("file and mends give another plan than the upload")
	}
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
		f, err := w.anna.Checked(w.t.Context(), w.u, format)
		path := w.h.path("checked." + string(format))
		if err := os.WriteFile(path, []byte(all(w.t, f, err)), 0o600); err != nil {
			w.t.Fatal(err)
		}
		theirs := w.check(plain, path)
		if theirs.Due != 4 || len(theirs.Effects(key)) != 4 {
			w.t.Errorf("of the %s %d rows are due", format, theirs.Due)
		}
		if diff := cmp.Diff(ours.Effects(key), theirs.Effects(key)); diff != "" {
			w.t.Errorf("the %s has other effects (-upload +sheet):\n%s", format, diff)
		}
	}
}

func (w *way) check(opt campaign.Options, path string) *pipeline.Plan {
	w.t.Helper()
	plan, err := campaign.Check(w.t.Context(), opt, campaign.Ports{Ledger: w.h.cfg.Accounts[0].Ledger, Observer: silent{}}, []string{path})
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

type silent struct{}

func (silent) Progress(pipeline.Progress) {}
func (silent) Notice(pipeline.Notice)     {}
func (silent) Tell(campaign.Event)        {}

func (w *way) send(bo *desk.Seat) {
	ctx, digest := w.t.Context(), w.h.sheet(w.anna, w.u).Digest
	_, err := w.anna.Ask(ctx, w.u.ID, desk.Wish{Digest: digest})
	refused(w.t, err, desk.Invalid) // a row is left out, and nobody has said so
	u, err := w.anna.Ask(ctx, w.u.ID, desk.Wish{Digest: digest, LeftOut: 1, Note: "for May"})
	if err != nil || u.State != desk.Waiting {
		w.t.Fatalf("%+v, %v", u, err)
	}
	if u = w.h.load(bo, u.ID); u.Note != "for May" || u.Asker != "Anna" || u.Due != 4 || u.LeftOut != 1 || u.Approvers != 1 || !u.Asks(digest) {
		w.t.Errorf("who approves sees %+v", u)
	}
	if len(w.h.contacts()) > 0 {
		w.t.Error("something was sent before it was approved")
	}
	w.h.approve(bo, u)
	w.h.until(w.anna, u.ID, desk.Done)
	if diff := cmp.Diff([]string{"+46701740605", "anna@example.com", "cleo@example.com", "dora@example.com"}, w.h.contacts()); diff != "" {
		w.t.Errorf("sent was (-want +got):\n%s", diff)
	}
	stats := w.h.box.Stats()
	for _, n := range []int{1, 2, 3, 4} {
		if stats.Accepted[session(n)] != 1 {
			w.t.Errorf("session %d was accepted %d times", n, stats.Accepted[session(n)])
		}
	}
	runs, err := w.h.cfg.Accounts[0].Ledger.Runs(ctx, 1)
	if err != nil || len(runs) != 1 {
		w.t.Fatalf("%+v, %v", runs, err)
	}
	a := campaign.ApprovalOf(runs[0].RunInfo)
	if a == nil || a.Plan != u.Digest || len(a.By) != 1 || a.By[0] != "Bo" || len(a.SubmittedBy) != 1 || a.SubmittedBy[0] != "Anna" || a.Time.IsZero() {
		w.t.Errorf("the ledger says that it was approved by %+v", a)
	}
	w.reported()
}

func (w *way) reported() {
	u := w.h.load(w.anna, w.u.ID)
	o, err := w.anna.Outcomes(w.t.Context(), u, pipeline.Delivered, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	want := map[pipeline.Status]int{pipeline.Delivered: 4, pipeline.Rejected: 1, pipeline.Skipped: 1}
	if diff := cmp.Diff(want, o.Tally.Status); diff != "" || len(o.Rows) != 4 || o.More {
		w.t.Errorf("outcomes of %d rows (-want +got):\n%s", len(o.Rows), diff)
	}
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
		f, err := w.anna.Report(w.t.Context(), u, format)
		path := w.h.path("report." + string(format))
		if err := os.WriteFile(path, []byte(all(w.t, f, err)), 0o600); err != nil {
			w.t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"delivered", "delivered", "delivered", "delivered", "rejected", "skipped"}, statuses(w.t, path)); diff != "" {
			w.t.Errorf("the report as %s (-want +got):\n%s", format, diff)
		}
	}
}

// statuses reads the statuses of a report, in the order of its rows.
func statuses(t *testing.T, path string) (all []string) {
	t.Helper()
	f, err := reader.OpenContext(t.Context(), path, reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(row.Prior.Status))
	}
	return all
}

// isKnown holds the page and the command line to one another, once the list was sent.
func (w *way) isKnown(name, text string) {
	ctx, account := w.t.Context(), w.h.cfg.Accounts[0]
	_, known, err := w.anna.Bring(ctx, north, name, strings.NewReader(text))
	if err != nil || known.Upload != w.u.ID || known.Run != "" {
		w.t.Errorf("of the same content is known %+v, %v", known, err)
	}
	_, _, err = campaign.Again(ctx, account.Ledger, account.Options.Target, w.path, campaign.Outputs{Report: w.h.path("again.csv")}, silent{}, account.Options.Program)
	run := must(w.anna.Runs(ctx, w.u))(w.t)[0]
	if !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "was sent from the upload page (run "+run+")") {
		w.t.Errorf("a report on the file without its mends: %v", err)
	}
	for _, sheet := range []string{"checked.csv", "checked.xlsx", filepath.Base(w.path)} {
		if plan := w.check(account.Options, w.h.path(sheet)); plan.Due != 0 {
			w.t.Errorf("of %s %d rows would be sent again", sheet, plan.Due)
		}
	}
}

// TestSentBefore says of a file that the command line has sent which run that was, and sends nothing of it again.
func TestSentBefore(t *testing.T) {
	h := newHouse(t)
	anna, a := h.seat("anna", desk.Uploader), h.cfg.Accounts[0]
	path, text := h.path("may.csv"), list("anna@example.com", "bo@example.com")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.Options.Outputs = campaign.Outputs{None: true}
	res, err := campaign.Run(t.Context(), a.Options, campaign.Ports{
		Ledger: a.Ledger, Dial: a.Dial, Record: a.Record, Observer: silent{}, Stop: make(chan struct{}),
	}, []string{path})
	if err != nil || res.Total.SentNow != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	u, known, err := anna.Bring(t.Context(), north, "june.csv", strings.NewReader(text))
	if err != nil || known.Run != res.Files[0].Run || known.Upload != "" {
		t.Errorf("known is %+v, %v", known, err)
	}
	if sheet := h.sheet(anna, u); sheet.Due != 0 || sheet.Status[pipeline.Delivered] != 2 {
		t.Errorf("%+v", sheet)
	}
	_, err = anna.Ask(t.Context(), u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest})
	refused(t, err, desk.Invalid)
}
