package desk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// trail is an upload that has been through much, and who has done what to it.
func trail(t *testing.T, h *house) (u *desk.Upload, want []string) {
	t.Helper()
	ctx := t.Context()
	anna, bo, sara := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver), h.seat("sara", desk.Settler)
	h.unclear("anna@example.com")
	u, _ = h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "bo@example.com")
	undone(t, anna, u, 0)
	r := u.Reading
	r.Label = "Winter"
	must(anna.Read(ctx, u.ID, r))(t)
	must(bo.SendBack(ctx, h.ask(anna, u).ID, "not this one"))(t)
	h.approve(bo, h.ask(anna, u))
	u = h.until(anna, u.ID, desk.Done)
	if _, err := anna.Outcomes(ctx, u, pipeline.Uncertain, 0); err != nil {
		t.Fatal(err)
	}
	all(t, must(bo.Report(ctx, u, pipeline.CSV))(t), nil)
	must(sara.Settle(ctx, u.ID, []pipeline.Ticket{must(sara.Doubts(ctx, u))(t)[0].Ticket}, false, "they say so"))(t)
	must(anna.Reopen(ctx, u.ID))(t)
	if err := anna.Delete(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	return u, []string{
		"Anna upload ", "Anna mend row 3, column 2, version 1", "Anna undo row 3, column 2, version 2", "Anna map ",
		"Anna ask 1 messages, 3 rows left out", "Bo send_back ", "Anna ask 1 messages, 3 rows left out", "Bo approve 1 of 1",
		" start ", " finish ", "Anna view rows uncertain, page 1", "Bo download report csv", "Sara settle 1 rows as not sent",
		"Anna reopen ", "Anna delete ",
	}
}

func TestTrail(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		h := newHouse(t)
		u, want := trail(t, h)
		var got []string
		events := must(h.seat("nora", desk.Administrator).Trail(t.Context(), u.ID))(t)
		for _, e := range events {
			if got = append([]string{e.By + " " + e.Action + " " + e.Place}, got...); e.Upload != u.ID || e.Account != north {
				t.Errorf("%+v", e)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if entries, _, err := h.desk.VerifyAudit(t.Context()); err != nil || int(entries) <= len(events) {
			t.Errorf("%d entries, %v", entries, err)
		}
		for _, query := range []string{"UPDATE event SET place = ''", "DELETE FROM event", "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)"} {
			if _, err := h.books().ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "the audit trail is only added to") {
				t.Errorf("%s: %v", query, err)
			}
		}
	})
}

// Whatever is changed in the trail is found, but that it was cut off: then it ends with another hash.
func TestTrailIsWhole(t *testing.T) {
	for name, tt := range map[string]struct{ change, finds string }{
		"another time":               {"UPDATE event SET time = time + 1 WHERE seq = 5", "entry 5,"},
		"another person":             {"UPDATE event SET person = 'x' WHERE seq = 5", "entry 5,"},
		"another account":            {"UPDATE event SET account = 'south' WHERE seq = 5", "entry 5,"},
		"another action":             {"UPDATE event SET action = 'view' WHERE seq = 5", "entry 5,"},
		"another upload":             {"UPDATE event SET upload = 'x' WHERE seq = 5", "entry 5,"},
		"another place":              {"UPDATE event SET place = place || ' ' WHERE seq = 5", "entry 5,"},
		"another digest":             {"UPDATE event SET digest = '' WHERE action = 'approve'", "was changed"},
		"another hash":               {"UPDATE event SET hash = zeroblob(32) WHERE seq = 5", "entry 5,"},
		"a letter goes on one field": {"UPDATE event SET action = action || substr(upload, 1, 1), upload = substr(upload, 2) WHERE action = 'approve'", "was changed"},
		"the last":                   {"UPDATE event SET place = 'x' WHERE seq = (SELECT max(seq) FROM event)", "broken"},
		"the first is gone":          {"DELETE FROM event WHERE seq = 1", "entry 1 is missing"},
		"one is gone":                {"DELETE FROM event WHERE seq = 5", "entry 5 is missing"},
		"one is gone, and the others move up": {
			"DELETE FROM event WHERE seq = 5; UPDATE event SET seq = -seq WHERE seq > 5; UPDATE event SET seq = -seq - 1 WHERE seq < 0", "entry 5,",
		},
		"two change places": {
			"UPDATE event SET seq = -1 WHERE seq = 5; UPDATE event SET seq = 5 WHERE seq = 6; UPDATE event SET seq = 6 WHERE seq = -1", "entry 5,",
		},
		"one is added": {
			"INSERT INTO event SELECT max(seq) + 1, time, person, account, action, upload, place, digest, hash FROM event", "broken",
		},
		"it is cut off": {"DELETE FROM event WHERE seq > 7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			trail(t, h)
			entries, last, err := h.desk.VerifyAudit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h.exec("DROP TRIGGER event_unchanged; DROP TRIGGER event_kept; " + tt.change)
			now, other, err := h.desk.VerifyAudit(t.Context())
			switch {
			case tt.finds == "" && (err != nil || now != 7 || now == entries || other == last):
				t.Errorf("%d entries, %s, %v", now, other, err)
			case tt.finds != "" && (err == nil || !strings.Contains(err.Error(), tt.finds)):
				t.Errorf("%v", err)
			}
		})
	}
}

// The trail can be read, and held to its hashes, without this program; it says no contact, no name of a file, and
// nothing of what people wrote.
func TestExport(t *testing.T) {
	h := newHouse(t)
	u, _ := trail(t, h)
	var text bytes.Buffer
	if err := h.desk.ExportAudit(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text.Bytes())).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "seq,time,person,account,action,upload,place,digest,hash" {
		t.Fatalf("%v, %v", rows, err)
	}
	entries, last, err := h.desk.VerifyAudit(t.Context())
	if err != nil || len(rows)-1 != int(entries) || rows[len(rows)-1][8] != last {
		t.Errorf("%d rows of %d, %v", len(rows)-1, entries, err)
	}
	var before []byte
	for _, row := range rows[1:] {
		at := must(time.Parse(time.RFC3339, row[1]))(t)
		sum := sha256.New()
		sum.Write(before)
		for _, field := range append([]string{row[0], strconv.FormatInt(at.UnixMilli(), 10)}, row[2:8]...) {
			binary.Write(sum, binary.BigEndian, uint32(len(field)))
			sum.Write([]byte(field))
		}
		if before = sum.Sum(nil); hex.EncodeToString(before) != row[8] {
			t.Fatalf("entry %s has another hash", row[0])
		}
	}
	for _, canary := range []string{"example.com", "nobody", "may", "Winter", "not this one", "they say so", "Anna", "anna"} {
		if strings.Contains(text.String(), canary) {
			t.Errorf("it says %q", canary)
		}
	}
	if !strings.Contains(text.String(), u.ID) {
		t.Error("it says nothing of the upload")
	}
}
