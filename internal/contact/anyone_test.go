package contact

import "testing"

func TestMaskAll(t *testing.T) {
	for text, want := range map[string]string{
		"":                                         "",
		"may.csv":                                  "may.csv",
		"anna@example.com.xlsx":                    "a•••@e•••.xlsx",
		"/home/anna@example.com/may.csv":           "/home/a•••@e•••.com/may.csv",
		`C:\Listen\anna@example.com\may.xls`:       `C:\Listen\a•••@e•••.com\may.xls`,
		"for anna%40example.com":                   "for a•••@e•••.com",
		"bo(at)example.com, bo [AT] example.com":   "b•••@e•••.com, b•••@e•••.com",
		"for bo @ example.com":                     "for b•••@e•••.com",
		"lunch @ noon (at)":                        "l•••@n••• (at)",
		"anna＠example.com":                         "a•••@e•••.com",
		"list of <anna@example.com>, May":          "list of <a•••@e•••.com>, May",
		"+46701740605.csv":                         "+46 ••• 05.csv",
		"46701740605.csv":                          "467 ••• 05.csv",
		"Anna 070-174 06 05":                       "Anna 070 ••• 05",
		"Anna +46 (0)70 174 06 05, May":            "Anna +46 ••• 05, May",
		"0046.701.740605.csv":                      "004 ••• 05.csv",
		"2026-11-01.csv":                           "2026-11-01.csv",
		"list 20261101.csv":                        "list 20261101.csv",
		"list-20261101-123000.csv":                 "list-20261101-123000.csv",
		"list_2026-11-01_12.30.csv":                "list_2026-11-01_12.30.csv",
		"list 20261101T123000Z.csv":                "list 20261101T123000Z.csv",
		"1.11.2026.csv":                            "1.11.2026.csv",
		"from 10.120.30.40:8080":                   "from 10.120.30.40:8080",
		"070.174.06.05":                            "070 ••• 05",
		"batch 123456.csv":                         "batch 123456.csv",
		"f0000000-0000-4000-8000-000000000001.csv": "f0000000-0000-4000-8000-000000000001.csv",
	} {
		if got := MaskAll(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if again := MaskAll(want); again != want {
			t.Errorf("%q is masked again, to %q", want, again)
		}
	}
}
