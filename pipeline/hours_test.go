package pipeline

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseHours(t *testing.T) {
	tests := []struct{ text, want, why string }{
		{"mon-fri 09:00-20:00, sat 10:00-16:00", "mon-fri 09:00-20:00, sat 10:00-16:00", "as people write it"},
		{"daily 9:00-20:00", "daily 09:00-20:00", "every day"},
		{"Sat-Mon 10:00 – 12:00", "mon 10:00-12:00, sat-sun 10:00-12:00", "over the weekend, with a dash of a text program"},
		{"mon-fri 09:00-12:00 13:00-20:00", "mon-fri 09:00-12:00 13:00-20:00", "a pause at noon"},
		{"mon-fri 13:00-20:00, 09:00-12:00", "mon-fri 09:00-12:00 13:00-20:00", "in another order"},
		{"monday, wed, FRIDAY 08:30-24:00", "mon 08:30-24:00, wed 08:30-24:00, fri 08:30-24:00", "several days, to midnight"},
		{"fri 20:00-24:00; sat 00:00-02:00", "fri 20:00-24:00, sat 00:00-02:00", "over midnight in two parts"},
		{"daily 00:00-24:00", "daily 00:00-24:00", "always, but for holidays"},
		{"tue 09:00-12:00 12:00-15:00 15:00-16:00", "tue 09:00-16:00", "parts that touch are one"},
		{"tue 12:00-15:00 15:00-16:00 09:00-12:00", "tue 09:00-16:00", "in any order"},
	}
	for _, test := range tests {
		h, err := ParseHours(test.text)
		if err != nil || h.String() != test.want {
			t.Errorf("%s: %q is read as %q, %v, want %q", test.why, test.text, h, err, test.want)
			continue
		}
		var again Hours
		text, err := json.Marshal(h)
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil || again.String() != h.String() || again.Always() {
			t.Errorf("%q comes out of JSON as %q, %v", h, again, err)
		}
	}
	var always Hours
	if text, err := json.Marshal(always); err != nil || json.Unmarshal(text, &always) != nil || !always.Always() {
		t.Errorf("no hours come out of JSON as %q, %v", always, err)
	}
}

func TestHoursRefused(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "no hours are written"},
		{"mon-fri", "no hours follow the last day"},
		{"mon 09:00-20:00, tue", "no hours follow the last day"},
		{"09:00-20:00", "stand before any day"},
		{"mon-fri 9-20", "word 2 is no day and no hours"},
		{"mon-fri 09.00-20.00", "is no day and no hours"},
		{"mån-fre 09:00-20:00", "is no day and no hours"},
		{"fri 20:00-02:00", "goes past midnight"},
		{"fri 20:00-00:00", "written 24:00"},
		{"fri 20:00-20:00", "has no length"},
		{"fri 20:60-22:00", "are no times of a day"},
		{"fri 20:00-24:30", "are no times of a day"},
		{"mon-fri 09:00-20:00, fri 10:00-16:00", "fri has hours that overlap, 09:00-20:00 and 10:00-16:00"},
		{"fri 10:00-16:00, fri 09:00-20:00", "overlap"},
		{"fri 10:00-12:00 14:00-16:00 12:00-15:00", "overlap"},
		{"fri 10:00-12:00 10:00-12:00", "overlap"},
	}
	for _, test := range tests {
		if h, err := ParseHours(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q is read as %q, %v, want %q", test.text, h, err, test.want)
		}
	}
}
